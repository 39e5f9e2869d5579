import Platform
import Primitives
import Supervision

/// The `--pre-stop` command and what it inherits, which is the same as for the command.
struct PreStopHookLauncher {
  private let arguments: [String]
  private let environment: CStrings?
  private let settings: SpawnSettings
  /// The working directory at the start, for relative paths. ebb itself leaves it. A path, because a descriptor would
  /// keep the file system busy.
  private let folder: String?

  /// Returns `nil` without a hook. Must run before ebb leaves its working directory.
  init?(_ arguments: [String], environment: CStrings?, _ settings: SpawnSettings) {
    guard !arguments.isEmpty else { return nil }
    (self.arguments, self.environment, self.settings) = (arguments, environment, settings)
    folder = workingDirectory()
  }

  /// Starts the hook without blocking, even if the file system hangs. Throws if no process can be created.
  func start(_ signal: Signal) throws(SpawnFailure) -> HookProcess {
    try HookProcess(arguments, signal: signal, environment: environment, settings, in: folder)
  }
}
