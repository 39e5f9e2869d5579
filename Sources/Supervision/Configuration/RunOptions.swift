import HTTP
import Primitives

/// The options of a run, which `table` sets. Times of a stop are `nil` if not given; `StopTimes` has the defaults.
package struct RunOptions: Sendable {
  package var delay: TimeAmount?
  package var drain = DrainMode.idle
  package var drainTimeout: TimeAmount?
  package var drainQuiet: TimeAmount?
  /// `--ports`; `nil` for the ports that the command's process tree listens on.
  package var ports: [Port]?
  /// `--grace`; `nil` for all the time that is left.
  package var grace: TimeAmount?
  package var terminationGracePeriod: TimeAmount?
  package var killMargin: TimeAmount?
  /// `--leftover-timeout`; `nil` for all the time that is left in a stop, else 2 s.
  package var leftoverTimeout: TimeAmount?
  /// `--ready-tcp`: a port on a loopback address.
  package var readyTCP: UInt16?
  package var readyHTTP: HTTPURL?
  /// The checks that must pass before the command is ready. If empty, it is ready immediately.
  package var readiness: [ReadinessCheck] {
    (readyTCP.map { [.tcp(port: $0)] } ?? []) + (readyHTTP.map { [.http($0)] } ?? [])
  }
  /// `--startup-timeout`; zero for none.
  package var startupTimeout = TimeAmount.zero
  /// `--health`; `nil` for off.
  package var health: HealthAddress?
  package var readyHold = TimeAmount.zero
  /// The arguments of the pre-stop hook; empty for none.
  package var preStop: [String] = []
  /// `--termination-log`; `nil` for the default path if that file exists.
  package var terminationLog: String?
  package var stopSignals = SignalSet([.sigterm])
  /// `--stop-signals auto`: the graceful stop signal of a known server begins a stop too.
  package var recognisesServers = true
  var stopSignalsAreGiven = false
  /// The options that were given by their variable: one bit each, in the order of the table.
  var variables: UInt64 = 0
  /// Whether the option of this name was given by its variable.
  func isFromVariable(_ name: String) -> Bool {
    let index = RunOptions.table.firstIndex { $0.spec.name.bytesEqual(name) }
    return index.map { variables & 1 << UInt64($0) != 0 } ?? false
  }
  package var rewrites = SignalRewrites()
  package var targetsProcessGroup = false
  package var newSession = false
  package var parentDeathSignal: Signal?
  package var exitCodeRemaps: [ExitCodeRemap] = []
  package var logsReapedOrphans = false
  package var logFormat = LogFormat.text
  /// Count of -v minus count of -q.
  package var verbosity: Int { asleep == nil ? verboseCount - (quiet ? 1 : 0) : Int.min / 2 }
  package var verboseCount = 0
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
