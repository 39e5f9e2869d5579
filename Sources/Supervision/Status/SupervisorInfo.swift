import Primitives

/// The facts about a supervisor that never change.
package struct SupervisorInfo: Sendable {
  /// The PID in the supervisor's own PID namespace.
  package let pid: Int32
  package let version: String
  /// The moment at which ebb started.
  package let startedAt: Instant
  /// The command and its arguments, as many as fit into the page.
  package var argv: [String]
  package let stopSignals: SignalSet
  /// `--stop-signals auto`: the signal of a known server's graceful stop begins a stop too.
  package let recognisesServers: Bool
  /// The signal that the command receives for `stopSignal`; `nil` for none.
  package let forwardsAs: Signal?
  /// Whether signals are sent to the command's process group.
  package let targetsProcessGroup: Bool
  /// `--ports`; `nil` if ebb finds the ports.
  package let ports: [UInt16]?
  /// The port of `--health`, which is not one of the command's.
  package let healthPort: UInt16?
  package let drainQuiet: TimeAmount

  /// The parameters of a future stop.
  package var plan = StopPlan()
}

extension SupervisorInfo {
  /// The info of this process.
  package init(pid: Int32, startedAt: Instant, argv: [String], options: RunOptions) {
    self.init(
      pid: pid, version: ebbVersion, startedAt: startedAt, argv: argv, stopSignals: options.stopSignals,
      recognisesServers: options.recognisesServers
        && (options.rewrites.isEmpty
          || KnownServer.gracefulStops.signals.allSatisfy { options.rewrites.apply(to: $0) != nil }),
      forwardsAs: options.rewrites.apply(to: options.stopSignals.usual ?? .sigterm),
      targetsProcessGroup: options.targetsProcessGroup, ports: options.ports?.map { $0.number },
      healthPort: options.health?.port, drainQuiet: options.times.drainQuiet, plan: StopPlan(options))
  }
}
