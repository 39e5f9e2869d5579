import Glibc

/// A program and its words, made ready once, so that only the start itself is timed.
package final class Launch {
  private var words: [UnsafeMutablePointer<CChar>?]
  private var actions = posix_spawn_file_actions_t()
  private var attributes = posix_spawnattr_t()

  /// Standard streams not given are /dev/null: no terminal that an init could want to hand over, and no log that costs
  /// time.
  package convenience init(_ words: [String], input: Int32? = nil, output: Int32? = nil, error: Int32? = nil) {
    self.init(bytes: words.map { Array($0.utf8) }, input: input, output: output, error: error)
  }

  /// For words that are no text. `blocked`: signals are blocked from the moment that the process exists.
  package init(
    bytes: [[UInt8]], input: Int32? = nil, output: Int32? = nil, error: Int32? = nil, blocked: [Int32] = []
  ) {
    words = bytes.map { word in
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: word.count + 1)
      for (index, byte) in word.enumerated() { copy[index] = CChar(bitPattern: byte) }
      copy[word.count] = 0
      return copy
    }
    words.append(nil)
    posix_spawn_file_actions_init(&actions)
    stream(0, input, orNothingFor: O_RDONLY)
    stream(1, output, orNothingFor: O_WRONLY)
    stream(2, error, orNothingFor: O_WRONLY)
    posix_spawnattr_init(&attributes)
    guard !blocked.isEmpty else { return }
    var set = sigset_t()
    sigemptyset(&set)
    for number in blocked { sigaddset(&set, number) }
    posix_spawnattr_setsigmask(&attributes, &set)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  }

  private func stream(_ number: Int32, _ descriptor: Int32?, orNothingFor access: Int32) {
    if let descriptor {
      posix_spawn_file_actions_adddup2(&actions, descriptor, number)
    } else {
      posix_spawn_file_actions_addopen(&actions, number, "/dev/null", access, 0)
    }
  }

  deinit {
    for word in words { word?.deallocate() }
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }

  /// Starts it; the C library's posix_spawn has the cost of vfork.
  package func start() throws(Failure) -> pid_t {
    guard let path = words[0] else { throw Failure("nothing to start") }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, path, &actions, &attributes, words, environ)
    guard error == 0 else { throw Failure("cannot start \(String(cString: path)): \(text(error))") }
    return pid
  }
}
