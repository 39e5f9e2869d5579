import Primitives

/// The behaviour of ebb as a plain replacement for another init: it forwards signals, reaps orphans, and ends with the
/// command. No signal begins a stop, there is no deadline, and it only prints what that program would print.
package struct Asleep: Sendable {
  package let program: OtherInit
  /// Whether to become a child subreaper if not PID 1.
  package let isSubreaper: Bool
  /// Whether to warn if neither PID 1 nor a child subreaper.
  package let warnsOfZombies: Bool

  static let terminalStops = SignalSet([.sigtstp, .sigttin, .sigttou])

  /// Signals that the replaced program does not forward, each seen with that program, plus those that cannot be caught
  /// and those that glibc reserves.
  fileprivate var neverForwarded: SignalSet {
    switch program {
    case .tini: SignalSet.neverForwarded.union(SignalSet([.abort]))
    case .dumbInit: SignalSet([.sigkill, .stop, .sigchld] + [32, 33].compactMap { Signal(number: $0) })
    case .catatonit: SignalSet.neverForwarded.union(SignalSet([.abort, .sigtstp]))
    }
  }

  /// Returns the exit code for a command that did not start.
  func exitCode(of failure: SpawnFailure) -> Int {
    switch (program, failure.error) {
    case (.tini, 2): ExitCode.notFound  // ENOENT
    case (.tini, 13), (.tini, 21): ExitCode.notExecutable  // EACCES, EISDIR
    case (.dumbInit, _) where failure.code != ExitCode.ownFailure: 2
    default: Asleep.ownFailure
    }
  }

  /// The exit code of each of these programs for its own failures and for usage errors.
  static let ownFailure = 1
}

extension RunOptions {
  /// Makes ebb behave exactly like the other program.
  package mutating func sleep(as program: OtherInit, isSubreaper: Bool = false, warnsOfZombies: Bool = false) {
    asleep = Asleep(program: program, isSubreaper: isSubreaper, warnsOfZombies: warnsOfZombies)
    stopSignals = SignalSet()
    recognisesServers = false
  }

  package var neverForwarded: SignalSet { asleep?.neverForwarded ?? .neverForwarded }

  package var ownFailure: Int { asleep == nil ? ExitCode.ownFailure : Asleep.ownFailure }

  /// dumb-init stops itself after these signals, even if they are rewritten, so that a shell sees its job stopped.
  var selfStops: SignalSet { asleep?.program == .dumbInit ? Asleep.terminalStops : SignalSet() }

  /// The signal for the command's process group after the command has exited, as dumb-init sends it; `nil` for none.
  var lastSignal: Signal? {
    asleep?.program == .dumbInit && newSession ? rewrites.apply(to: .sigterm) : nil
  }
}

extension SupervisorInfo {
  /// Whether the supervisor replaces another init and begins no stop.
  package var isAsleep: Bool { stopSignals == SignalSet() }
}
