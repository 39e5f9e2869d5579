/// What `ebb [OPTION...] COMMAND` was asked to do: a property for each option, in the table's order. Of the times of a stop
/// those that were given: `StopTimes` has the others.
package struct RunOptions: Sendable {
  /// `--delay`
  package var delay: Span?
  /// `--drain`
  package var drain = DrainMode.idle
  /// `--drain-timeout`: the upper bound of what the drain waits for.
  package var drainTimeout: Span?
  /// `--drain-quiet`
  package var drainQuiet: Span?
  /// `--ports`; nil: those that the command's process tree listens on.
  package var ports: [Port]?
  /// `--grace`; nil: all the time that is left.
  package var grace: Span?
  /// `--termination-grace-period`
  package var terminationGracePeriod: Span?
  /// `--kill-margin`
  package var killMargin: Span?
  /// `--leftover-timeout`; nil: all that is left in a stop, else 2 s.
  package var leftoverTimeout: Span?
  /// `--ready-tcp`: a port of this machine.
  package var readyTCP: UInt16?
  /// `--ready-http`
  package var readyHTTP: HTTPURL?
  /// All have to be passed before the command counts as ready; empty: it is ready at once.
  package var readiness: [ReadinessCheck] {
    (readyTCP.map { [.tcp(port: $0)] } ?? []) + (readyHTTP.map { [.http($0)] } ?? [])
  }
  /// Zero: none.
  package var startupTimeout = Span.zero
  /// `--health`; nil: off.
  package var health: HealthAddress?
  /// `--ready-hold`
  package var readyHold = Span.zero
  /// The words of the pre-stop hook; empty: none.
  package var preStop: [String] = []
  /// Nil: the usual place, if it is there.
  package var terminationLog: String?
  /// `--stop-signals`
  package var stopSignals = SignalSet([.terminate])
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  package var recognisesServers = true
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
  package var rewrites = Rewrites()
  /// `--group`
  package var signalsGroup = false
  /// `--session`
  package var newSession = false
  /// `--parent-death-signal`
  package var parentDeathSignal: Signal?
  /// `--remap-exit`
  package var remaps: [ExitCodeRemap] = []
  /// `--warn-reaped`
  package var warnsReaped = false
  /// `--log`
  package var logFormat = LogFormat.text
  /// Count of -v minus count of -q.
  package var verbosity: Int { asleep == nil ? verboseCount - (quiet ? 1 : 0) : Int.min / 2 }
  /// How often `-v` was given.
  package var verboseCount = 0
  /// `-q`
  package var quiet = false

  /// ebb stands in the place of another init, and does no more than that; nil: it is ebb.
  package var asleep: Asleep?

  /// What the environment says of the orchestrator.
  package var orchestrator = Orchestrator.unknown

  /// What holds where nothing is asked for.
  package init() {}

  /// With the defaults of those that were not given.
  package var times: StopTimes { StopTimes(self) }

  /// Where the termination grace period comes from, as logs and JSON have it.
  var periodOrigin: String { terminationGracePeriod == nil ? orchestrator.name : "given" }
}

/// `--rewrite FROM:TO`: as what a signal is forwarded.
package struct Rewrites: Sendable {
  private var rules: [(from: Signal, to: Signal?)] = []

  package init() {}

  var isEmpty: Bool { rules.isEmpty }

  /// A later rule for the same signal wins. `to` nil: the signal is dropped.
  package mutating func add(from: Signal, to: Signal?) { rules.insert((from, to), at: 0) }

  /// The signal to send in place of `signal`, nil for none.
  package func apply(to signal: Signal) -> Signal? {
    guard let rule = rules.first(where: { $0.from == signal }) else { return signal }
    return rule.to
  }
}

/// `--remap-exit CODE:TO`.
package struct ExitCodeRemap: Equatable, Sendable {
  /// The command's code.
  package let from: Int
  /// The code to exit with.
  package let to: Int

  /// Both are 0 to 255.
  package init(from: Int, to: Int) { (self.from, self.to) = (from, to) }
}

/// `--log`: one line an event, as logfmt or as JSON.
package enum LogFormat: Sendable {
  case text
  case json
}
