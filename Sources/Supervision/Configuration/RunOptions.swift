import HTTP
import Primitives

/// The options of a run, in the table's order. Times of a stop are `nil` if not given; `StopTimes` has their defaults.
package struct RunOptions: Sendable {
  /// `--delay`
  package var delay: TimeAmount?
  /// `--drain`
  package var drain = DrainMode.idle
  /// `--drain-timeout`: the maximum duration of the drain.
  package var drainTimeout: TimeAmount?
  /// `--drain-quiet`
  package var drainQuiet: TimeAmount?
  /// `--ports`; `nil` for the ports that the command's process tree listens on.
  package var ports: [Port]?
  /// `--grace`; `nil` for all the time that is left.
  package var grace: TimeAmount?
  /// `--termination-grace-period`
  package var terminationGracePeriod: TimeAmount?
  /// `--kill-margin`
  package var killMargin: TimeAmount?
  /// `--leftover-timeout`; `nil` for all the time that is left in a stop, else 2 s.
  package var leftoverTimeout: TimeAmount?
  /// `--ready-tcp`: a port on a loopback address.
  package var readyTCP: UInt16?
  /// `--ready-http`
  package var readyHTTP: HTTPURL?
  /// The checks that must pass before the command is ready. If empty, it is ready immediately.
  package var readiness: [ReadinessCheck] {
    (readyTCP.map { [.tcp(port: $0)] } ?? []) + (readyHTTP.map { [.http($0)] } ?? [])
  }
  /// `--startup-timeout`; zero for none.
  package var startupTimeout = TimeAmount.zero
  /// `--health`; `nil` for off.
  package var health: HealthAddress?
  /// `--ready-hold`
  package var readyHold = TimeAmount.zero
  /// The arguments of the pre-stop hook; empty for none.
  package var preStop: [String] = []
  /// `--termination-log`; `nil` for the default path if that file exists.
  package var terminationLog: String?
  /// `--stop-signals`
  package var stopSignals = SignalSet([.sigterm])
  /// `--stop-signals auto`: the graceful stop signal of a known server begins a stop too.
  package var recognisesServers = true
  /// Whether `--stop-signals` was given.
  var stopSignalsAreGiven = false
  /// The options that were given by their variable: one bit each, in the order of the table.
  var variables: UInt64 = 0
  /// Whether the option of this name was given by its variable.
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
  /// The number of `-v`.
  package var verboseCount = 0
  /// `-q`
  package var quiet = false

  /// Set if ebb only behaves like another init.
  package var asleep: Asleep?

  /// The orchestrator that the environment variables indicate.
  package var orchestrator = Orchestrator.unknown

  package init() {}

  /// The times of a stop, with the defaults for those that were not given.
  package var times: StopTimes { StopTimes(self) }

  /// The source of the termination grace period, for logs and JSON.
  var periodOrigin: String { terminationGracePeriod == nil ? orchestrator.name : "given" }
}
