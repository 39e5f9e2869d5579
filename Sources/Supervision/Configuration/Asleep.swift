import Primitives

/// A run in the place of another init, and nothing more: signals are forwarded, orphans reaped, and the command's end is the
/// end of the run. No signal begins a stop, no time is kept, no line is written but that program's own kind.
package struct Asleep: Sendable {
  /// In whose place.
  package let program: OtherInit
  /// Where it is not PID 1.
  package let isSubreaper: Bool
  /// Where it is neither PID 1 nor a child subreaper.
  package let warnsOfZombies: Bool

  /// TSTP, TTIN, TTOU.
  static let terminalStops = SignalSet([.sigtstp, .sigttin, .sigttou])

  /// What the command is never sent, each seen with that program. Beside what no process can catch, and what glibc keeps.
  fileprivate var neverForwarded: SignalSet {
    switch program {
    case .tini: SignalSet.neverForwarded.union(SignalSet([.abort]))
    case .dumbInit: SignalSet([.sigkill, .stop, .sigchld] + [32, 33].compactMap { Signal(number: $0) })
    case .catatonit: SignalSet.neverForwarded.union(SignalSet([.abort, .sigtstp]))
    }
  }

  /// What the exit code says of a command that did not start.
  func exitCode(of failure: SpawnFailure) -> Int {
    switch (program, failure.error) {
    case (.tini, 2): ExitCode.notFound  // ENOENT
    case (.tini, 13), (.tini, 21): ExitCode.notExecutable  // EACCES, EISDIR
    case (.dumbInit, _) where failure.code != ExitCode.ownFailure: 2
    default: Asleep.ownFailure
    }
  }

  /// The exit code of each of these programs where it fails itself, or does not understand its command line.
  static let ownFailure = 1
}

extension RunOptions {
  /// From now on ebb does what the other program does, and no more.
  package mutating func sleep(as program: OtherInit, isSubreaper: Bool = false, warnsOfZombies: Bool = false) {
    asleep = Asleep(program: program, isSubreaper: isSubreaper, warnsOfZombies: warnsOfZombies)
    stopSignals = SignalSet()
    recognisesServers = false
  }

  /// Those that no command gets from ebb.
  package var neverForwarded: SignalSet { asleep?.neverForwarded ?? .neverForwarded }

  /// The exit code where ebb itself fails.
  package var ownFailure: Int { asleep == nil ? ExitCode.ownFailure : Asleep.ownFailure }

  /// dumb-init stops itself after these, also where they are rewritten: a shell sees its job stopped.
  var selfStops: SignalSet { asleep?.program == .dumbInit ? Asleep.terminalStops : SignalSet() }

  /// What the command's process group is sent when the command has ended, nil for nothing: dumb-init's farewell.
  var lastSignal: Signal? {
    asleep?.program == .dumbInit && newSession ? rewrites.apply(to: .sigterm) : nil
  }
}

extension SupervisorInfo {
  /// The supervisor stands in the place of another init, and begins no stop.
  package var isAsleep: Bool { stopSignals == SignalSet() }
}
