import Glibc

/// A program and its words, made ready once, so that only the start itself is timed.
final class Launch {
  private var words: [UnsafeMutablePointer<CChar>?]
  private var actions = posix_spawn_file_actions_t()

  /// Standard streams not given are /dev/null: no terminal that an init could want to hand over, and no log that costs
  /// time.
  convenience init(_ words: [String], input: Int32? = nil, output: Int32? = nil) {
    self.init(bytes: words.map { Array($0.utf8) }, input: input, output: output)
  }

  /// For words that are no text.
  init(bytes: [[UInt8]], input: Int32? = nil, output: Int32? = nil) {
    words = bytes.map { word in
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: word.count + 1)
      for (index, byte) in word.enumerated() { copy[index] = CChar(bitPattern: byte) }
      copy[word.count] = 0
      return copy
    }
    words.append(nil)
    posix_spawn_file_actions_init(&actions)
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  }

  deinit {
    for word in words { word?.deallocate() }
    posix_spawn_file_actions_destroy(&actions)
  }

  /// Starts it; the C library's posix_spawn has the cost of vfork.
  func start() throws(Failure) -> pid_t {
    guard let path = words[0] else { throw Failure("nothing to start") }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, path, &actions, nil, words, environ)
    guard error == 0 else { throw Failure("cannot start \(String(cString: path)): \(text(error))") }
    return pid
  }
}

/// An init that runs one of the commands of Commands.swift, with a pipe in both directions. The command ends when its
/// input ends, so that nothing outlives a harness that died.
final class Session {
  /// The process that the harness started: the init, or `unshare` around it.
  let pid: pid_t
  /// The command's own pid, as it knows it.
  private(set) var command: pid_t = 0
  private let input: Int32
  private let output: Int32

  /// Starts the words and returns when the command is ready.
  init(_ words: [String]) throws(Failure) {
    let down = try makePipe()
    let up = try makePipe()
    pid = try Launch(words, input: down.read, output: up.write).start()
    close(down.read)
    close(up.write)
    input = down.write
    output = up.read
    command = pid_t(try receive())
  }

  /// Asks the command for one piece of work.
  func ask() {
    var byte: UInt8 = 0
    write(input, &byte, 1)
  }

  /// The next number from the command. A limit, since a lost signal must become an error and no hang.
  func receive(seconds: Int32 = 60) throws(Failure) -> Int64 {
    guard waitReadable(output, milliseconds: seconds * 1000) else {
      throw Failure("no answer from the command of process \(pid) within \(seconds) s")
    }
    var value: Int64 = 0
    guard read(output, &value, 8) == 8 else { throw Failure("process \(pid) or its command ended unexpectedly") }
    return value
  }

  /// Ends the command, and so the init.
  func end() -> Ending {
    close(input)
    defer { close(output) }
    return finish(pid)
  }
}

/// One session for every program, all alive at the same time.
func startSessions(_ bench: Bench, _ command: [String]) throws(Failure) -> [Session] {
  var sessions: [Session] = []
  for program in bench.programs {
    sessions.append(try Session(program.running(benchmarkCommand(command))))
  }
  return sessions
}
