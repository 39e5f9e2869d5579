/// How a process ended; wait(2).
public enum ExitStatus: Equatable, Sendable {
  case exited(code: Int)
  case killed(by: Signal, dumpedCore: Bool)

  /// What a shell says of it: the code, or 128 + the signal's number.
  public var code: Int {
    switch self {
    case .exited(let code): code
    case .killed(let signal, _): 128 + Int(signal.number)
    }
  }
}

/// The codes of ebb's own, as env(1) and the shells have them.
public enum ExitCode {
  /// Not ready within `--startup-timeout`.
  public static let startupTimeout = 124
  /// ebb itself failed: usage, configuration, no process to be had.
  public static let ownFailure = 125
  /// The command was found but cannot be executed.
  public static let notExecutable = 126
  /// The command was not found.
  public static let notFound = 127
}

extension [ExitCodeRemap] {
  /// A later rule for the same code wins.
  func apply(to code: Int) -> Int { last { $0.from == code }?.to ?? code }
}
