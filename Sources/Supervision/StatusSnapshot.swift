/// Where a run is at one moment: what the status page holds and every report of a running supervisor is made of.
///
/// Times are moments, not spans that are left: a page that nobody rewrites stays true.
public struct StatusSnapshot: Equatable, Sendable {
  /// The last one entered.
  public var phase = Phase.starting
  /// When the phase was entered.
  public var since: Instant
  /// Traffic may come, until further notice.
  public var isReady = false
  /// Traffic may come until then, though a stop has begun: `--ready-hold`.
  public var readyUntil: Instant?
  /// What became of it so far.
  public var command = Command.notStarted
  /// Nil before the first stop signal.
  public var stop: Stop?
  /// Signals do not reach the command, which runs as another user.
  public var isOutOfReach = false
  /// When SIGKILL comes: the deadline of the stop, or of the leftovers.
  public var killAt: Instant?
  /// The last look at the connections; nil: none yet.
  public var connections: Connections?
  /// Signals that came to ebb, SIGCHLD not counted.
  public var received = 0
  /// Signals sent to the command.
  public var forwarded = 0
  /// Orphans reaped.
  public var reaped = 0

  /// The state of the command.
  public enum Command: Equatable, Sendable {
    case notStarted
    case running(pid: Int32)
    /// The code as a shell says it: 128 + n for signal n.
    case exited(code: Int)
  }

  /// A graceful stop under way.
  public struct Stop: Equatable, Sendable {
    /// The one that began it.
    public var signal: Signal
    /// When that came.
    public var since: Instant
    /// From then on the connections run dry.
    public var delayEndsAt: Instant
    /// When the stop signal goes to the command at the latest.
    public var forwardAt: Instant
    /// When it went; nil: not yet.
    public var forwardedAt: Instant?
    /// What the command gets, or has got; `nil`: nothing.
    public var sends: Signal?
    /// What is known of the traffic so far.
    public var traffic = TrafficReport()

    /// `--delay`
    public var delay: Span { delayEndsAt - since }

    /// All of it.
    public init(signal: Signal, since: Instant, delayEndsAt: Instant, forwardAt: Instant, forwardedAt: Instant?) {
      (self.signal, sends) = (signal, signal)
      self.since = since
      self.delayEndsAt = delayEndsAt
      self.forwardAt = forwardAt
      self.forwardedAt = forwardedAt
    }
  }

  /// The connections of the command's ports.
  public struct Connections: Equatable, Sendable {
    /// What they were counted by.
    public var source: ConnectionSource
    /// As many as fit into the page.
    public var ports: [UInt16]
    /// By the raw value of the class; nil: they could not be counted.
    public var counts: [Int]?

    /// As read from a page.
    public init(source: ConnectionSource, ports: [UInt16], counts: [Int]?) {
      (self.source, self.ports, self.counts) = (source, ports, counts)
    }

    /// Those of a sample.
    public init(_ sample: Sample) {
      self.init(
        source: sample.source, ports: sample.ports,
        counts: sample.isCounted ? ConnectionClass.allCases.map { sample.census[$0] } : nil)
    }

    /// How many of them the drain waits for.
    public var busy: Int? { sum { $0.isBusy } }
    /// The others.
    public var idle: Int? { sum { !$0.isBusy } }

    /// Those classes that are not empty.
    public var classes: [(class: ConnectionClass, count: Int)] {
      ConnectionClass.allCases.compactMap { one in
        let count = counts?[one.rawValue] ?? 0
        return count > 0 ? (one, count) : nil
      }
    }

    private func sum(_ isCounted: (ConnectionClass) -> Bool) -> Int? {
      counts == nil ? nil : classes.reduce(0) { isCounted($1.class) ? $0 + $1.count : $0 }
    }
  }

  /// Nothing has happened since then.
  public init(since: Instant) { self.since = since }

  /// Whether traffic may come at this moment.
  public func isReady(at now: Instant) -> Bool { isReady || readyUntil.map { now < $0 } ?? false }

  /// Nil before the command's start and after its end, when the pid may be somebody else's.
  public var commandPid: Int32? {
    if case .running(let pid) = command { pid } else { nil }
  }
}

/// What does not change while a supervisor runs.
public struct SupervisorFacts: Sendable {
  /// In its own pid namespace.
  public let pid: Int32
  /// As `--version` prints it.
  public let version: String
  /// When ebb began.
  public let startedAt: Instant
  /// The command and its arguments, as many as fit into the page.
  public var argv: [String]
  /// `--stop-signals`
  public let stopSignals: SignalSet
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  public let recognisesServers: Bool
  /// What the command is sent for `stopSignal`; nil: nothing.
  public let forwardsAs: Signal?
  /// Signals go to the command's process group.
  public let signalsGroup: Bool
  /// `--ports`; nil: they are found.
  public let ports: [UInt16]?
  /// Of `--health`: none of the command's.
  public let healthPort: UInt16?
  /// `--drain-quiet`
  public let drainQuiet: Span

  /// Of a stop to come.
  public var plan = StopPlan()

  /// As read from a page.
  public init(
    pid: Int32, version: String, startedAt: Instant, argv: [String], stopSignals: SignalSet,
    recognisesServers: Bool = false, forwardsAs: Signal?, signalsGroup: Bool, ports: [UInt16]?, healthPort: UInt16?,
    drainQuiet: Span
  ) {
    self.pid = pid
    self.version = version
    self.startedAt = startedAt
    self.argv = argv
    self.stopSignals = stopSignals
    self.recognisesServers = recognisesServers
    self.forwardsAs = forwardsAs
    self.signalsGroup = signalsGroup
    self.ports = ports
    self.healthPort = healthPort
    self.drainQuiet = drainQuiet
  }

  /// Those of this very program.
  public init(pid: Int32, startedAt: Instant, argv: [String], options: RunOptions) {
    self.init(
      pid: pid, version: Supervision.version, startedAt: startedAt, argv: argv, stopSignals: options.stopSignals,
      recognisesServers: options.recognisesServers
        && (options.rewrites.isEmpty
          || KnownServer.gracefulStops.signals.allSatisfy { options.rewrites.apply(to: $0) != nil }),
      forwardsAs: options.rewrites.apply(to: options.stopSignals.usual ?? .terminate),
      signalsGroup: options.signalsGroup, ports: options.ports?.map { $0.number }, healthPort: options.health?.port,
      drainQuiet: options.times.drainQuiet)
    plan = StopPlan(options)
  }

}

extension SignalSet {
  /// TERM if it is in the set, else the one with the lowest number.
  var usual: Signal? { contains(.terminate) ? .terminate : signals.first }
}

/// All that a status page says.
public struct Status: Sendable {
  /// What stays.
  public var facts: SupervisorFacts
  /// What changes.
  public var now: StatusSnapshot

  /// Both.
  public init(facts: SupervisorFacts, now: StatusSnapshot) {
    self.facts = facts
    self.now = now
  }
}
