import Glibc
import TestSupport

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
