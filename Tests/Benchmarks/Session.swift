import Glibc
import TestSupport

/// An init that runs a command of Commands.swift, with a pipe in both directions. The command ends when its input ends,
/// so that nothing outlives a killed harness.
final class Session {
  /// The process that the harness started: the init, or `unshare` around it.
  let pid: pid_t
  /// The pid that the command itself reports.
  private(set) var command: pid_t = 0
  private let input: Int32
  private let output: Int32

  /// Starts the arguments and returns when the command is ready. Throws if it does not become ready.
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

  /// Requests one piece of work from the command.
  func ask() {
    var byte: UInt8 = 0
    write(input, &byte, 1)
  }

  /// Returns the next number from the command. The timeout turns a lost signal into an error.
  func receive(seconds: Int32 = 60) throws(Failure) -> Int64 {
    guard isReady(output, within: seconds * 1000) else {
      throw Failure("no answer from the command of process \(pid) within \(seconds) s")
    }
    var value: Int64 = 0
    guard read(output, &value, 8) == 8 else { throw Failure("process \(pid) or its command ended unexpectedly") }
    return value
  }

  /// Ends the command, and so the init.
  func end() -> Exit {
    close(input)
    defer { close(output) }
    return finish(pid)
  }
}

/// Starts one session per program, all running at the same time.
func startSessions(_ bench: Bench, _ command: [String]) throws(Failure) -> [Session] {
  var sessions: [Session] = []
  for program in bench.programs {
    sessions.append(try Session(program.running(benchmarkCommand(command))))
  }
  return sessions
}
