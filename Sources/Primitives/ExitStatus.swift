/// How a process ended; wait(2).
package enum ExitStatus: Equatable, Sendable {
  case exited(code: Int)
  case killed(by: Signal, dumpedCore: Bool)

  /// What a shell says of it: the code, or 128 + the signal's number.
  package var code: Int {
    switch self {
    case .exited(let code): code
    case .killed(let signal, _): 128 + Int(signal.number)
    }
  }
}

/// The codes of ebb's own, as env(1) and the shells have them.
package enum ExitCode {
  /// Not ready within `--startup-timeout`.
  package static let startupTimeout = 124
  /// ebb itself failed: usage, configuration, no process to be had.
  package static let ownFailure = 125
  /// The command was found but cannot be executed.
  package static let notExecutable = 126
  /// The command was not found.
  package static let notFound = 127
}
