import Platform
import Primitives
import Supervision

/// The `--pre-stop` command, and what it inherits: the same as the command did.
struct PreStopHookLauncher {
  private let arguments: [String]
  private let environment: CStrings?
  private let settings: SpawnSettings
  /// ebb itself leaves the working directory that it was started in, from which a relative path starts. As a path, since
  /// a descriptor would keep the file system busy too.
  private let folder: String?

  /// Nil where there is no hook. Must run before ebb leaves its working directory.
  init?(_ arguments: [String], environment: CStrings?, _ settings: SpawnSettings) {
    guard !arguments.isEmpty else { return nil }
    (self.arguments, self.environment, self.settings) = (arguments, environment, settings)
    folder = workingDirectory()
  }

  /// Never waits, not even for a file system that hangs.
  func start(_ signal: Signal) throws(SpawnFailure) -> HookProcess {
    try HookProcess(arguments, signal: signal, environment: environment, settings, in: folder)
  }
}
