import CPlatform
import Foundation
import Primitives
import Testing

/// A supervisor, and below it a Python interpreter that does as it is told. Ends with this object.
final class PythonProcess {
  /// The supervisor's.
  let pid: Int32
  private let conversation: Int32

  private static let loop = """
    import ctypes, os, socket, sys
    for line in sys.stdin:
      answer = ''
      exec(line)
      print(answer, flush=True)
    """

  /// `below`: words of a command that starts another.
  init(below words: [String] = []) throws {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[0], 1)
    var pid: pid_t = 0
    // With something left to do the shell stays, and is the parent.
    let line = ["/bin/sh", "-c", "\"$@\"; exit 0", "sh"] + words + ["python3", "-u", "-c", PythonProcess.loop]
    var arguments = line.map { strdup($0) } + [nil]
    let error = posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, environ)
    posix_spawn_file_actions_destroy(&actions)
    for argument in arguments { free(argument) }
    close(ends[0])
    self.pid = pid
    conversation = ends[1]
    try #require(error == 0)
    _ = try tell("pass")  // it has started
  }

  deinit {
    close(conversation)  // the end of its standard input is the interpreter's end
    waitpid(pid, nil, 0)
  }

  /// Has it execute a line of Python. Returns what that left in `answer`.
  @discardableResult
  func tell(_ line: String) throws -> String {
    let text = Array((line + "\n").utf8)
    try #require(write(conversation, text, text.count) == text.count)
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while read(conversation, &byte, 1) == 1, byte != UInt8(ascii: "\n") { answer.append(byte) }
    try #require(byte == UInt8(ascii: "\n"), "it did not survive: \(line)")
    return String(decoding: answer, as: UTF8.self)
  }

  /// Has it listen. Returns the port.
  func listen(_ name: String = "l", on address: String = "127.0.0.1", protocol number: Int = 0) throws -> UInt16 {
    try tell("\(name) = socket.socket(proto=\(number)); \(name).bind(('\(address)', 0)); \(name).listen()")
    return try #require(UInt16(try tell("answer = \(name).getsockname()[1]")))
  }
}
