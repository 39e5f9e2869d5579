import CPlatform
import Platform
import Supervision

/// The `--pre-stop` command, and what it inherits: the same as the command did.
struct PreStopHook {
  private let words: [String]
  private let environment: CStrings?
  private let settings: SpawnSettings
  /// ebb itself leaves the working directory that it was started in, by which a relative path goes. As a path, since a
  /// descriptor would keep the file system busy too.
  private let folder: String?

  /// Nil where there is no hook. Must run before ebb leaves its working directory.
  init?(_ words: [String], environment: CStrings?, _ settings: SpawnSettings) {
    guard !words.isEmpty else { return nil }
    (self.words, self.environment, self.settings) = (words, environment, settings)
    folder = workingDirectory()
  }

  /// Its pid, once it has executed.
  func start(_ signal: Signal) throws(SpawnFailure) -> Int32 {
    if let folder { changeDirectory(to: folder) }
    let mask = blockAllSignals()  // Dispatch is free to unblock some in a thread of its own
    defer {
      setBlockedSignals(mask)
      changeDirectory(to: "/")
    }
    return try spawnHook(words, signal: signal, environment: environment, settings)
  }
}
