/// What `ebb [OPTION...] COMMAND` was asked to do: a property for each option, in the table's order. Of the times of a stop
/// those that were given: `StopTimes` has the others.
public struct RunOptions: Sendable {
  /// `--delay`
  public var delay: Span?
  /// `--drain`
  public var drain = DrainMode.idle
  /// `--drain-timeout`: the upper bound of what the drain waits for.
  public var drainTimeout: Span?
  /// `--drain-quiet`
  public var drainQuiet: Span?
  /// `--ports`; nil: those that the command's process tree listens on.
  public var ports: [Port]?
  /// `--grace`; nil: all the time that is left.
  public var grace: Span?
  /// `--termination-grace-period`
  public var terminationGracePeriod: Span?
  /// `--kill-margin`
  public var killMargin: Span?
  /// `--leftover-timeout`; nil: all that is left in a stop, else 2 s.
  public var leftoverTimeout: Span?
  /// `--ready-tcp`: a port of this machine.
  public var readyTCP: UInt16?
  /// `--ready-http`
  public var readyHTTP: HTTPURL?
  /// All have to be passed before the command counts as ready; empty: it is ready at once.
  public var readiness: [ReadinessCheck] {
    (readyTCP.map { [.tcp(port: $0)] } ?? []) + (readyHTTP.map { [.http($0)] } ?? [])
  }
  /// Zero: none.
  public var startupTimeout = Span.zero
  /// `--health`; nil: off.
  public var health: HealthAddress?
  /// `--ready-hold`
  public var readyHold = Span.zero
  /// The words of the pre-stop hook; empty: none.
  public var preStop: [String] = []
  /// Nil: the usual place, if it is there.
  public var terminationLog: String?
  /// `--stop-signals`
  public var stopSignals = SignalSet([.terminate])
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  public var recognisesServers = true
  /// `--stop-signals` was given.
  var stopSignalsAreGiven = false
  /// Those options that were given by their variable: a bit for each, in the order of the table.
  var variables: UInt64 = 0
  /// The option of this name was given by its variable.
  func isFromVariable(_ name: String) -> Bool {
    let index = RunOptions.table.firstIndex { $0.shape.name.isSame(as: name) }
    return index.map { variables & 1 << UInt64($0) != 0 } ?? false
  }
  /// `--rewrite`
  public var rewrites = Rewrites()
  /// `--group`
  public var signalsGroup = false
  /// `--session`
  public var newSession = false
  /// `--parent-death-signal`
  public var parentDeathSignal: Signal?
  /// `--remap-exit`
  public var remaps: [ExitCodeRemap] = []
  /// `--warn-reaped`
  public var warnsReaped = false
  /// `--log`
  public var logFormat = LogFormat.text
  /// Count of -v minus count of -q.
  public var verbosity: Int { asleep == nil ? verboseCount - (quiet ? 1 : 0) : Int.min / 2 }
  /// How often `-v` was given.
  public var verboseCount = 0
  /// `-q`
  public var quiet = false

  /// ebb stands in the place of another init, and does no more than that; nil: it is ebb.
  public var asleep: Asleep?

  /// What the environment says of the orchestrator.
  public var orchestrator = Orchestrator.unknown

  /// What holds where nothing is asked for.
  public init() {}

  /// With the defaults of those that were not given.
  public var times: StopTimes { StopTimes(self) }

  /// Where the termination grace period comes from, as logs and JSON have it.
  var periodOrigin: String { terminationGracePeriod == nil ? orchestrator.name : "given" }
}

/// `--rewrite FROM:TO`: as what a signal is forwarded.
public struct Rewrites: Sendable {
  private var rules: [(from: Signal, to: Signal?)] = []

  /// No rules.
  public init() {}

  /// Nothing is rewritten.
  var isEmpty: Bool { rules.isEmpty }

  /// A later rule for the same signal wins. `to` nil: the signal is dropped.
  public mutating func add(from: Signal, to: Signal?) { rules.insert((from, to), at: 0) }

  /// The signal to send in place of `signal`, nil for none.
  public func apply(to signal: Signal) -> Signal? {
    guard let rule = rules.first(where: { $0.from == signal }) else { return signal }
    return rule.to
  }
}

/// `--remap-exit CODE:TO`.
public struct ExitCodeRemap: Equatable, Sendable {
  /// The command's code.
  public let from: Int
  /// The code to exit with.
  public let to: Int

  /// Both are 0 to 255.
  public init(from: Int, to: Int) { (self.from, self.to) = (from, to) }
}

/// `--log`: one line an event, as logfmt or as JSON.
public enum LogFormat: Sendable {
  case text
  case json
}
