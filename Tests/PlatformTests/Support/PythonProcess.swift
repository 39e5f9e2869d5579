import Foundation
import TestSupport
import Testing

/// A supervisor and, below it, a Python interpreter that executes given lines. Both end with this object.
final class PythonProcess {
  /// The process id of the supervisor.
  let pid: Int32
  private let socket: Int32

  private static let loop = """
    import ctypes, os, socket, sys
    for line in sys.stdin:
      answer = ''
      exec(line)
      print(answer, flush=True)
    """

  /// - Parameter words: A command that starts the interpreter.
  /// - Throws: A `Failure` if it cannot be started.
  init(below words: [String] = []) throws {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    // The shell has another command to run, so it stays as the parent.
    let line = ["/bin/sh", "-c", "\"$@\"; exit 0", "sh"] + words + ["python3", "-u", "-c", PythonProcess.loop]
    pid = try Launch(line, input: ends[0], output: ends[0], error: 2).start()
    close(ends[0])
    socket = ends[1]
    _ = try execute("pass")  // waits until it has started
  }

  deinit {
    close(socket)  // the interpreter ends at the end of its standard input
    waitpid(pid, nil, 0)
  }

  /// Executes a line of Python. Returns the value that it assigned to `answer`.
  @discardableResult
  func execute(_ line: String) throws -> String {
    try #require(writeAll(line + "\n", to: socket))
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while read(socket, &byte, 1) == 1, byte != UInt8(ascii: "\n") { answer.append(byte) }
    try #require(byte == UInt8(ascii: "\n"), "it did not survive: \(line)")
    return String(decoding: answer, as: UTF8.self)
  }

  /// Makes the interpreter listen and returns the port.
  func listen(_ name: String = "l", on address: String = "127.0.0.1", protocol number: Int = 0) throws -> UInt16 {
    try execute("\(name) = socket.socket(proto=\(number)); \(name).bind(('\(address)', 0)); \(name).listen()")
    return try #require(UInt16(try execute("answer = \(name).getsockname()[1]")))
  }
}
