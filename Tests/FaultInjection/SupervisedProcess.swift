import Glibc
import TestSupport

/// ebb, its command, and the command's output.
final class SupervisedProcess {
  let process: Child
  private let output: CapturedOutput

  /// Starts the arguments.
  ///
  /// - Parameters:
  ///   - words: The arguments of ebb, or of a program around it.
  ///   - blocked: Signals that are blocked from the start.
  /// - Throws: A failure when it cannot be started.
  init(_ words: [String], blocked: [Int32] = []) throws(Failure) {
    let pipe = try makePipe()
    defer { close(pipe.write) }
    output = CapturedOutput(pipe.read)
    process = try Child(Launch(bytes: words.map { Array($0.utf8) }, output: pipe.write, blocked: blocked))
  }

  /// Returns the next line with this prefix.
  @discardableResult
  func line(_ prefix: String, within milliseconds: Int32 = 20_000) throws(Failure) -> String {
    if let line = output.next(prefix, within: milliseconds) { return line }
    throw Failure(isSilent ? "it ended without a line \"\(prefix)\"" : "no line \"\(prefix)\" in time")
  }

  /// Returns the unread lines and those of the next `milliseconds`.
  func moreLines(within milliseconds: Int32) -> [String] {
    var all: [String] = []
    while let line = output.next(within: milliseconds) { all.append(line) }
    return all
  }

  /// Whether all processes have closed standard output, as far as it has been read.
  var isSilent: Bool { output.descriptor < 0 }

  /// Returns the only child: process 1 behind `launch --pid-namespace`, or the command behind ebb.
  static func child(of pid: pid_t) throws(Failure) -> pid_t {
    var child: pid_t?
    let isFound = Clock.poll {
      child = Proc.children(of: pid).first
      return child != nil
    }
    guard isFound, let child else { throw Failure("process \(pid) has no child") }
    return child
  }
}
