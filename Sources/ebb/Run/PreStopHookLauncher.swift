import Platform
import Supervision

/// The `--pre-stop` command, and what it inherits: the same as the command did.
struct PreStopHook {
  private let words: [String]
  private let environment: CStrings?
  private let settings: SpawnSettings
  /// ebb itself leaves the working directory that it was started in, from which a relative path starts. As a path, since
  /// a descriptor would keep the file system busy too.
  private let folder: String?

  /// Nil where there is no hook. Must run before ebb leaves its working directory.
  init?(_ words: [String], environment: CStrings?, _ settings: SpawnSettings) {
    guard !words.isEmpty else { return nil }
    (self.words, self.environment, self.settings) = (words, environment, settings)
    folder = workingDirectory()
  }

  /// Never waits, not even for a file system that hangs.
  func start(_ signal: Signal) throws(SpawnFailure) -> HookProcess {
    try HookProcess(words, signal: signal, environment: environment, settings, in: folder)
  }
}
