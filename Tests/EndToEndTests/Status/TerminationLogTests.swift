import Foundation
import Testing

/// The final report in the file of `--termination-log`.
@Suite(.endsItsProcesses)
struct TerminationLogTests {
  private func contents(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  @Test(arguments: PIDRole.possible)
  func `the termination log contains only the report, even with --quiet`(place: PIDRole) throws {
    let path = try TestResources.folder() + "/log"
    try String(repeating: "old\n", count: 5000).write(toFile: path, atomically: false, encoding: .utf8)
    let run = try Run.ebb(["--termination-log", path, "-q", "--log", "json"], testApp("exit", "3"), in: place)
    try run.expect(.code(3))
    #expect(run.err.text == "")
    let text = try #require(contents(path))
    let report = try text.jsonObject()
    #expect(report["event"] as? String == "exited")
    #expect(report["code"] as? Int == 3)
  }

  @Test func `the termination log contains the last line of the log`() throws {
    let path = try TestResources.folder() + "/log"
    let run = try Run.ready(["--termination-log", path, "--delay", "0"], testApp("signals"))
    try run.stop(.code(0))
    #expect(
      contents(path).map { $0.split(separator: " ").dropFirst(2) }
        == run.err.lines.last.map { ($0 + "\n").split(separator: " ").dropFirst(2) })
  }

  @Test func `the termination log names a command that cannot be started`() throws {
    let path = try TestResources.folder() + "/log"
    try Run.ebb(["--termination-log", path], ["/does/not/exist"]).expect(.code(127))
    #expect(contents(path) == "ebb: fatal: cannot execute \"/does/not/exist\": no such file\n")
  }

  @Test(arguments: ["/does/not/exist/log", "/", "/proc/version", "/dev/full"])
  func `a termination log that cannot be written is not an error`(path: String) throws {
    let run = try Run.ebb(["--termination-log", path], testApp("exit", "3"))
    try run.expect(.code(3))
    #expect(run.err.text == "")
  }

  @Test func `a termination log that is a pipe without a reader is not an error`() throws {
    let path = try TestResources.folder() + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    try Run.ebb(["--termination-log", path], testApp("exit", "3")).expect(.code(3))
  }
}
