import HTTP
import Primitives

/// What `ebb [OPTION...] COMMAND` was asked to do: a property for each option, in the table's order. Of the times of a stop
/// those that were given: `StopTimes` has the others.
package struct RunOptions: Sendable {
  /// `--delay`
  package var delay: TimeAmount?
  /// `--drain`
  package var drain = DrainMode.idle
  /// `--drain-timeout`: the upper bound of what the drain waits for.
  package var drainTimeout: TimeAmount?
  /// `--drain-quiet`
  package var drainQuiet: TimeAmount?
  /// `--ports`; nil: those that the command's process tree listens on.
  package var ports: [Port]?
  /// `--grace`; nil: all the time that is left.
  package var grace: TimeAmount?
  /// `--termination-grace-period`
  package var terminationGracePeriod: TimeAmount?
  /// `--kill-margin`
  package var killMargin: TimeAmount?
  /// `--leftover-timeout`; nil: all that is left in a stop, else 2 s.
  package var leftoverTimeout: TimeAmount?
  /// `--ready-tcp`: a port of this machine.
  package var readyTCP: UInt16?
  /// `--ready-http`
  package var readyHTTP: HTTPURL?
  /// All have to be passed before the command counts as ready; empty: it is ready at once.
  package var readiness: [ReadinessCheck] {
    (readyTCP.map { [.tcp(port: $0)] } ?? []) + (readyHTTP.map { [.http($0)] } ?? [])
  }
  /// Zero: none.
  package var startupTimeout = TimeAmount.zero
  /// `--health`; nil: off.
  package var health: HealthAddress?
  /// `--ready-hold`
  package var readyHold = TimeAmount.zero
  /// The words of the pre-stop hook; empty: none.
  package var preStop: [String] = []
  /// Nil: the usual place, if it is there.
  package var terminationLog: String?
  /// `--stop-signals`
  package var stopSignals = SignalSet([.sigterm])
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  package var recognisesServers = true
  /// `--stop-signals` was given.
  var stopSignalsAreGiven = false
  /// Those options that were given by their variable: a bit for each, in the order of the table.
  var variables: UInt64 = 0
  /// The option of this name was given by its variable.
  func isFromVariable(_ name: String) -> Bool {
    let index = RunOptions.table.firstIndex { $0.spec.name.bytesEqual(name) }
    return index.map { variables & 1 << UInt64($0) != 0 } ?? false
  }
  /// `--rewrite`
  package var rewrites = SignalRewrites()
  /// `--group`
  package var targetsProcessGroup = false
  /// `--session`
  package var newSession = false
  /// `--parent-death-signal`
  package var parentDeathSignal: Signal?
  /// `--remap-exit`
  package var exitCodeRemaps: [ExitCodeRemap] = []
  /// `--warn-reaped`
  package var logsReapedOrphans = false
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
