/// How a process ended; wait(2).
package enum ExitStatus: Equatable, Sendable {
  case exited(code: Int)
  case killed(by: Signal, dumpedCore: Bool)

  /// The exit code that a shell reports: the process's own, or 128 + the signal's number.
  package var code: Int {
    switch self {
    case .exited(let code): code
    case .killed(let signal, _): 128 + Int(signal.number)
    }
  }
}

/// The supervisor's own exit codes, as env(1) and the shells use them.
package enum ExitCode {
  /// Not ready within `--startup-timeout`.
  package static let startupTimeout = 124
  /// ebb itself failed, for example by wrong usage or configuration, or because it cannot start a process.
  package static let ownFailure = 125
  /// The command was found but cannot be executed.
  package static let notExecutable = 126
  /// The command was not found.
  package static let notFound = 127
}
