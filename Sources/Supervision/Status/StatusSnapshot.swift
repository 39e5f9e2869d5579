import Primitives

/// Where a run is at one moment: what the status page holds and every report of a running supervisor is made of.
///
/// Times are moments, not spans that are left: a page that nobody rewrites stays true.
package struct StatusSnapshot: Equatable, Sendable {
  /// The last one entered.
  package var phase = Phase.starting
  /// When the phase was entered.
  package var since: Instant
  /// Traffic may come, until further notice.
  package var isReady = false
  /// Traffic may come until then, though a stop has begun: `--ready-hold`.
  package var readyUntil: Instant?
  /// What became of it so far.
  package var command = Command.notStarted
  /// Nil before the first stop signal.
  package var stop: Stop?
  /// Signals do not reach the command, which runs as another user.
  package var isOutOfReach = false
  /// When SIGKILL comes: the deadline of the stop, or of the leftovers.
  package var killAt: Instant?
  /// The last look at the connections; nil: none yet.
  package var connections: Connections?
  /// Signals that came to ebb, SIGCHLD not counted.
  package var received = 0
  /// Signals sent to the command.
  package var forwarded = 0
  /// Orphans reaped.
  package var reaped = 0

  /// The state of the command.
  package enum Command: Equatable, Sendable {
    case notStarted
    case running(pid: Int32)
    /// The code as a shell says it: 128 + n for signal n.
    case exited(code: Int)
  }

  /// A graceful stop under way.
  package struct Stop: Equatable, Sendable {
    /// The one that began it.
    package var signal: Signal
    /// When that came.
    package var since: Instant
    /// From then on the connections run dry.
    package var delayEndsAt: Instant
    /// When the stop signal goes to the command at the latest.
    package var forwardAt: Instant
    /// When it went; nil: not yet.
    package var forwardedAt: Instant?
    /// What the command gets, or has got; `nil`: nothing.
    package var sends: Signal?
    /// What is known of the traffic so far.
    package var traffic = TrafficReport()

    /// `--delay`
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
    /// What they were counted by.
    package var source: ConnectionSource
    /// As many as fit into the page.
    package var ports: [UInt16]
    /// By the raw value of the class; nil: they could not be counted.
    package var counts: [Int]?

    /// As read from a page.
    package init(source: ConnectionSource, ports: [UInt16], counts: [Int]?) {
      (self.source, self.ports, self.counts) = (source, ports, counts)
    }

    /// Those of a sample.
    package init(_ sample: ConnectionSample) {
      self.init(
        source: sample.source, ports: sample.ports,
        counts: sample.isCounted ? ConnectionClass.allCases.map { sample.counts[$0] } : nil)
    }

    /// How many of them the drain waits for.
    package var busy: Int? { sum { $0.isBusy } }
    package var idle: Int? { sum { !$0.isBusy } }

    /// Those classes that are not empty.
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

  /// Whether traffic may come at this moment.
  package func isReady(at now: Instant) -> Bool { isReady || readyUntil.map { now < $0 } ?? false }

  /// Nil before the command's start and after its end, when the pid may be somebody else's.
  package var commandPid: Int32? {
    if case .running(let pid) = command { pid } else { nil }
  }
}
