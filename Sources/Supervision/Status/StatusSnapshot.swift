import Primitives

/// The state of a run at one moment, for the status page and all reports of a running supervisor. It contains moments,
/// not remaining times, so that a page stays true without being rewritten.
package struct StatusSnapshot: Equatable, Sendable {
  package var phase = Phase.starting
  package var since: Instant
  /// Whether the command may receive traffic.
  package var isReady = false
  /// With `--ready-hold`: the command may receive traffic until this moment, although a stop has begun.
  package var readyUntil: Instant?
  package var command = Command.notStarted
  /// `nil` before the first stop signal.
  package var stop: Stop?
  /// Whether the command runs as another user, so that signals do not reach it.
  package var isOutOfReach = false
  /// The moment of SIGKILL: the deadline of the stop or of the leftovers.
  package var killAt: Instant?
  /// The last sample of the connections; `nil` before the first.
  package var connections: Connections?
  /// The number of signals that ebb received, except SIGCHLD.
  package var received = 0
  package var forwarded = 0
  package var reaped = 0

  package enum Command: Equatable, Sendable {
    case notStarted
    case running(pid: Int32)
    /// The code that a shell would report: 128 + n for signal n.
    case exited(code: Int)
  }

  /// A graceful stop in progress.
  package struct Stop: Equatable, Sendable {
    /// The signal that began the stop.
    package var signal: Signal
    /// The moment at which that signal came.
    package var since: Instant
    /// The moment at which the drain begins.
    package var delayEndsAt: Instant
    /// The latest moment of forwarding the stop signal to the command.
    package var forwardAt: Instant
    /// The moment of forwarding; `nil` if it is still to come.
    package var forwardedAt: Instant?
    /// The signal that is sent to the command; `nil` for none.
    package var sends: Signal?
    package var traffic = TrafficReport()

    package var delay: TimeAmount { delayEndsAt - since }

    package init(signal: Signal, since: Instant, delayEndsAt: Instant, forwardAt: Instant, forwardedAt: Instant?) {
      (self.signal, sends) = (signal, signal)
      self.since = since
      self.delayEndsAt = delayEndsAt
      self.forwardAt = forwardAt
      self.forwardedAt = forwardedAt
    }
  }

  /// The connections of the command's ports.
  package struct Connections: Equatable, Sendable {
    package var source: ConnectionSource
    /// As many ports as fit into the page.
    package var ports: [UInt16]
    /// Indexed by the raw value of the class; `nil` if they could not be counted.
    package var counts: [Int]?

    package init(source: ConnectionSource, ports: [UInt16], counts: [Int]?) {
      (self.source, self.ports, self.counts) = (source, ports, counts)
    }

    /// The connections of a sample.
    package init(_ sample: ConnectionSample) {
      self.init(
        source: sample.source, ports: sample.ports,
        counts: sample.isCounted ? ConnectionClass.allCases.map { sample.counts[$0] } : nil)
    }

    /// The number of connections that the drain waits for.
    package var busy: Int? { sum { $0.isBusy } }
    package var idle: Int? { sum { !$0.isBusy } }

    /// The classes that are not empty.
    package var classes: [(class: ConnectionClass, count: Int)] {
      ConnectionClass.allCases.compactMap { one in
        let count = counts?[one.rawValue] ?? 0
        return count > 0 ? (one, count) : nil
      }
    }

    private func sum(_ isCounted: (ConnectionClass) -> Bool) -> Int? {
      counts == nil ? nil : classes.reduce(0) { isCounted($1.class) ? $0 + $1.count : $0 }
    }
  }

  package init(since: Instant) { self.since = since }

  /// Whether the command may receive traffic at this moment.
  package func isReady(at now: Instant) -> Bool { isReady || readyUntil.map { now < $0 } ?? false }

  /// `nil` before the command's start and after its exit, when the PID may be reused.
  package var commandPid: Int32? {
    if case .running(let pid) = command { pid } else { nil }
  }
}
