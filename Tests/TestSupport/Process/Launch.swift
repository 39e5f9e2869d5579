import Glibc
import Synchronization

/// Held while a process starts, and while a descriptor is open that the process must not inherit: an inherited
/// descriptor would keep a pipe from its end, or an executable from being run (ETXTBSY).
package let spawning = Mutex(())

/// A program with its arguments, prepared once, so that only the start itself is timed.
package final class Launch {
  private var arguments: [UnsafeMutablePointer<CChar>?]
  private var environment: [UnsafeMutablePointer<CChar>?]?
  private var actions = posix_spawn_file_actions_t()
  private var attributes = posix_spawnattr_t()

  /// Standard streams that are not given are /dev/null: no terminal that an init could hand over, and no log that costs
  /// time.
  package convenience init(_ words: [String], input: Int32? = nil, output: Int32? = nil, error: Int32? = nil) {
    self.init(bytes: words.map { Array($0.utf8) }, input: input, output: output, error: error)
  }

  /// - Parameters:
  ///   - bytes: The arguments, which may be invalid UTF-8.
  ///   - input: Standard input; `nil`: /dev/null.
  ///   - output: Standard output; `nil`: /dev/null.
  ///   - error: Standard error; `nil`: /dev/null.
  ///   - environment: `nil`: that of this process.
  ///   - blocked: The signals that are blocked from the moment the process exists.
  package init(
    bytes: [[UInt8]], input: Int32? = nil, output: Int32? = nil, error: Int32? = nil, environment: [String]? = nil,
    blocked: [Int32] = []
  ) {
    arguments = copy(bytes)
    self.environment = environment.map { copy($0.map { Array($0.utf8) }) }
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
    for string in arguments + (environment ?? []) { string?.deallocate() }
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }

  /// Starts the program. The C library's posix_spawn has the cost of vfork.
  ///
  /// - Throws: A `Failure` if it cannot be started.
  package func start() throws(Failure) -> pid_t {
    guard let path = arguments[0] else { throw Failure("nothing to start") }
    var pid: pid_t = 0
    let error = spawning.withLock { _ in
      if let environment { return posix_spawn(&pid, path, &actions, &attributes, arguments, environment) }
      return posix_spawn(&pid, path, &actions, &attributes, arguments, environ)
    }
    guard error == 0 else { throw Failure("cannot start \(String(cString: path)): \(text(error))") }
    return pid
  }
}

/// Returns a null-terminated array of C strings.
private func copy(_ strings: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
  strings.map { string in
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
    for (index, byte) in string.enumerated() { copy[index] = CChar(bitPattern: byte) }
    copy[string.count] = 0
    return copy
  } + [nil]
}
