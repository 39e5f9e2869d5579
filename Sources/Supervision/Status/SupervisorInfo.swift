import Primitives

/// What does not change while a supervisor runs.
package struct SupervisorInfo: Sendable {
  /// In its own pid namespace.
  package let pid: Int32
  /// As `--version` prints it.
  package let version: String
  /// When ebb began.
  package let startedAt: Instant
  /// The command and its arguments, as many as fit into the page.
  package var argv: [String]
  /// `--stop-signals`
  package let stopSignals: SignalSet
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  package let recognisesServers: Bool
  /// What the command is sent for `stopSignal`; nil: nothing.
  package let forwardsAs: Signal?
  /// Signals go to the command's process group.
  package let targetsProcessGroup: Bool
  /// `--ports`; nil: they are found.
  package let ports: [UInt16]?
  /// Of `--health`: none of the command's.
  package let healthPort: UInt16?
  /// `--drain-quiet`
  package let drainQuiet: TimeAmount

  /// Of a stop to come.
  package var plan = StopPlan()

  /// As read from a page.
  package init(
    pid: Int32, version: String, startedAt: Instant, argv: [String], stopSignals: SignalSet,
    recognisesServers: Bool = false, forwardsAs: Signal?, targetsProcessGroup: Bool, ports: [UInt16]?,
    healthPort: UInt16?,
    drainQuiet: TimeAmount
  ) {
    self.pid = pid
    self.version = version
    self.startedAt = startedAt
    self.argv = argv
    self.stopSignals = stopSignals
    self.recognisesServers = recognisesServers
    self.forwardsAs = forwardsAs
    self.targetsProcessGroup = targetsProcessGroup
    self.ports = ports
    self.healthPort = healthPort
    self.drainQuiet = drainQuiet
  }

  /// Those of this very program.
  package init(pid: Int32, startedAt: Instant, argv: [String], options: RunOptions) {
    self.init(
      pid: pid, version: ebbVersion, startedAt: startedAt, argv: argv, stopSignals: options.stopSignals,
      recognisesServers: options.recognisesServers
        && (options.rewrites.isEmpty
          || KnownServer.gracefulStops.signals.allSatisfy { options.rewrites.apply(to: $0) != nil }),
      forwardsAs: options.rewrites.apply(to: options.stopSignals.usual ?? .sigterm),
      targetsProcessGroup: options.targetsProcessGroup, ports: options.ports?.map { $0.number },
      healthPort: options.health?.port,
      drainQuiet: options.times.drainQuiet)
    plan = StopPlan(options)
  }

}
