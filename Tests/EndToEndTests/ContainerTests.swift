import Foundation
import TestSupport
import Testing

/// ebb in a runc container with every restriction that a cluster may apply.
@Suite(.endsItsProcesses, .needs(.runc))
struct ContainerTests {
  @Test func `in a container without capabilities ebb keeps the delay and exits with the command's code`() throws {
    let container = try Container(["--delay", "500ms"], ["/TestApp", "signals", "--exit-on", "TERM:7"])
    #expect(try container.run.line("ready").number("ppid") == 1)

    let status = Proc.status(of: try container.supervisor())
    #expect(status["Name"] == "ebb")
    #expect(status["Uid"]?.split(separator: "\t") == ["65534", "65534", "65534", "65534"])
    #expect(status["CapEff"] == "0000000000000000")
    #expect(status["CapBnd"] == "0000000000000000")
    #expect(status["NoNewPrivs"] == "1")
    #expect(status["Seccomp"] == "2")

    let sent = try container.kill(.sigterm)
    try container.run.expect(.code(7))
    #expect(Clock.now() - sent >= .milliseconds(500))
    #expect(signals(container.run) == ["got TERM"])
    #expect(container.run.err.lines.last?.contains("event=exited code=7") == true, "\(container.run)")
    #expect(!container.run.err.text.contains("level=warn"), "\(container.run)")
  }

  @Test func `in a container ebb exits with the command's code, 127 for a missing command and 126 for a folder`() throws
  {
    try Container([], ["/TestApp", "exit", "42"]).run.expect(.code(42))
    try Container([], ["/nothing"]).run.expect(.code(127))
    try Container([], ["/proc"]).run.expect(.code(126))
  }

  @Test func `in a container --rewrite HUP:USR2 forwards SIGHUP as SIGUSR2`() throws {
    let container = try Container(["-r", "HUP:USR2"], ["/TestApp", "signals", "--exit-on", "QUIT:3"])
    try container.run.line("ready")
    try container.kill(.sighup)
    try container.run.line("got USR2")
    try container.kill(.sigquit)
    try container.run.expect(.code(3))
  }

  @Test func `in a container a command that ignores SIGTERM is killed at the deadline`() throws {
    let command = ["/TestApp", "leave", "3", "--ignore-term", "--session", "--on", "USR2"]
    let container = try Container(["--delay", "0", "--grace", "1s"], command)
    try container.run.line("ready")
    let sent = try container.kill(.sigterm)
    try container.run.expect(.code(137))
    #expect(Clock.now() - sent >= .seconds(1))
  }

  @Test func `in a container leftovers finish their cleanup after the command has exited`() throws {
    let command = ["/TestApp", "leave", "3", "--orphaned", "--slow", "300", "--code", "4"]
    let container = try Container(["--leftover-timeout", "60s"], command)
    try container.run.expect(.code(4))
    #expect(container.run.out.lines.filter { $0 == "leftover done" }.count == 3, "\(container.run)")
  }

  @Test func `a process started with runc exec is not a leftover and does not delay the exit`() throws {
    let container = try Container(["--leftover-timeout", "60s"], ["/TestApp", "signals", "--exit-on", "USR1:6"])
    try container.run.line("ready")
    let outsider = try container.exec(["/TestApp", "signals", "--ignore-term"])
    #expect(try outsider.line("ready").number("ppid") == 0)
    let sent = try container.kill(.sigusr1)
    try container.run.expect(.code(6))
    #expect(Clock.now() - sent < .seconds(60))
    try outsider.readToEnd()
    #expect(signals(outsider) == [])
  }

  /// Without SIGURG: Go's runtime sends that signal to runc, which forwards it to the container.
  private func signals(_ run: Run) -> [String] { run.signals.filter { $0 != "got URG" } }

  @Test(.needs(.program("curl")))
  func `in a container every request during the delay is answered`() throws {
    let container = try Container(["--delay", "5s"], ["/TestApp", "serve", "0"])
    let port = try container.run.line("listening").number("port")
    let client = try Client("http://127.0.0.1:\(port)/")
    try client.expectAnswersThroughAStop(of: .seconds(5)) { try container.kill(.sigterm) }
    try container.run.expect(.code(0))
    #expect(container.run.out.lines.last == "served")
  }
}
