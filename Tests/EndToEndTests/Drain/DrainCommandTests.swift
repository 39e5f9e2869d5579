import Foundation
import TestSupport
import Testing

/// `ebb drain` with and without a supervisor.
@Suite(.endsItsProcesses, .mostlyWaits)
struct DrainCommandTests {
  private func drain(_ options: String..., setup: LaunchOptions = .withTraffic) throws -> Run {
    try Run.ebb(arguments: ["drain"] + options, setup)
  }

  /// Starts a server without a supervisor.
  private func serve(_ options: String...) throws -> (run: Run, port: Int) {
    let run = try Run.program(testApp("serve", "0") + options)
    return (run, Int(try run.line("listening").number("port")))
  }

  @Test func `ebb drain waits for a slow request, prints a line each second and exits with 0`() throws {
    let (server, port) = try serve()
    let client = try RawClient(port)
    let begun = Clock.now()
    client.ask("/delay/8")
    let run = try drain(
      "--delay", "3s", "--drain-quiet", "500ms", "--drain-timeout", "20s", "--ports", "\(port)")
    try client.expectAnswer()
    try run.expect(.code(0))
    let passed = Clock.now() - begun
    #expect(passed >= .seconds(8))
    #expect(run.err.text == "")
    let lines = run.out.lines
    #expect(try #require(lines.first).span(after: "delay, ") <= .seconds(3), "\(run)")
    let waiting = ": 1 busy (1 owed-response), 0 idle, port \(port), by diag+info"
    #expect(lines.contains { $0.hasPrefix("draining, at most ") && $0.hasSuffix(waiting) }, "\(run)")
    // One line each second, and the last one.
    #expect(lines.count >= 3 && lines.count <= Int(passed.components.seconds) + 2, "\(run)")
    let end = " (quiet): 0 busy, 1 idle (1 idle), port \(port), by diag+info"
    #expect(lines.last?.hasPrefix("drained after ") == true && lines.last?.hasSuffix(end) == true, "\(run)")
    #expect(server.signals == [])
    #expect(server.poll() == nil)
  }

  @Test func `ebb drain that times out exits with 1 and names the remaining connections`() throws {
    let (_, port) = try serve("--no-accept")
    let client = try RawClient(port)
    client.ask()
    let run = try drain("--delay", "0", "--drain-timeout", "1s", "--drain-quiet", "300ms", "--ports", "\(port)")
    try run.expect(.code(1))
    let last = try #require(run.out.lines.last)
    #expect(try last.span(after: "not drained after ") >= .seconds(1), "\(run)")
    #expect(last.hasSuffix("s (timeout): 1 busy (1 pending-accept), 0 idle, port \(port), by diag+info"), "\(run)")
    _ = client
  }

  @Test func `ebb drain --drain zero waits for an idle connection and --drain time does not`() throws {
    let (_, port) = try serve()
    let client = try RawClient(port)
    try client.exchange()
    let zero = try drain(
      "--delay=0", "--drain=zero", "--drain-timeout=1s", "--drain-quiet=300ms", "--ports", "\(port)")
    try zero.expect(.code(1))
    #expect(zero.out.lines.last?.contains(": 0 busy, 1 idle (1 idle)") == true, "\(zero)")
    client.ask("/delay/3")
    let begun = Clock.now()
    let time = try drain("--delay", "500ms", "--drain", "time", "--ports", "\(port)")
    try time.expect(.code(0))
    #expect(Clock.now() - begun >= .milliseconds(500))
    let last = try #require(time.out.lines.last)
    #expect(try last.span(after: "drained after ") >= .milliseconds(500), "\(time)")
  }

  @Test(arguments: [
    ["--drain", "nonsense"], ["--ports", "0"], ["--ports", "80,x"], ["--delay", "1y"], ["--nonsense"], ["more"],
    ["--pid", "4194304"],
  ])
  func `ebb drain exits with 125 on an invalid argument or a missing process`(words: [String]) throws {
    let run = try Run.ebb(arguments: ["drain"] + words, .withTraffic)
    try run.expect(.code(125))
    #expect(run.out.text == "" && run.err.text.hasPrefix("ebb: "), "\(run)")
  }

  @Test func `on a terminal ebb drain updates one line`() throws {
    let (_, port) = try serve()
    var setup = LaunchOptions.withTraffic
    setup.terminal = try Terminal()
    let run = try drain("--delay", "3s", "--drain-quiet", "1s", "--ports", "\(port)", setup: setup)
    try run.expect(.code(0))
    // CapturedOutput drops the escape characters. Only the last line may wrap on a narrow terminal.
    #expect(run.out.lines.count == 1, "\(run)")
    let shown = run.out.text.components(separatedBy: "[?7h").dropLast()
    #expect(shown.count >= 2 && shown.allSatisfy { $0.hasPrefix("[?7l[K") }, "\(run)")
    let parts = run.out.text.components(separatedBy: "[K").dropFirst()
    #expect(parts.count >= 2 && parts.first?.hasPrefix("delay, ") == true, "\(run)")
    let last = try #require(parts.last)
    #expect(last.hasPrefix("drained after ") && last.hasSuffix("\n"), "\(run)")
    #expect(try last.span(after: "drained after ") >= .seconds(3), "\(run)")
  }

  @Test func `ebb drain beside a supervisor counts the connections of the command's ports`() throws {
    let server = try ServedApp(["--delay", "0", "--drain", "time"])
    let client = try RawClient(server.port)
    client.ask("/delay/6")
    let supervisor = "\(server.run.pid)"
    try server.run.waitForPage(of: server.run.pid)
    let run = try drain("--delay", "0", "--drain-quiet", "300ms", "--drain-timeout", "20s", "--pid", supervisor)
    try client.expectAnswer()
    try run.expect(.code(0))
    #expect(run.out.lines.last?.hasSuffix(", port \(server.port), by diag+info") == true, "\(run)")
    #expect(server.run.poll() == nil)
    #expect(server.run.err.text == "")
  }

  @Test func `ebb drain as the supervisor's pre-stop hook delays SIGTERM until a request is answered`() throws {
    let bound = ["--drain-timeout", "20s"]
    let hook = "\(try Binaries.ebb()) drain --delay 0 --drain-quiet 300ms \(bound.joined(separator: " "))"
    // The hook names its parent, because this machine runs more supervisors.
    let options = ["--delay", "0", "--drain", "time", "--pre-stop", "sh -c '\(hook) --pid $PPID'"]
    let server = try ServedApp(options + bound)
    let client = try RawClient(server.port)
    let asked = Clock.now()
    try server.startRequest("/delay/6", client)
    try server.stop()
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(6))
    #expect(try server.run.exit() == .code(0))
    #expect(server.run.err.lines.contains { $0.hasPrefix("drained after ") }, "\(server.run)")
  }

  /// A hook whose reader has ended or is slow must still wait for the connections, and no longer.
  @Test(arguments: [
    "tell \"$@\" | true", "tell \"$@\" >&-", "tell \"$@\" >/dev/full",
    "{ head -c 65536 /dev/zero; tell \"$@\"; } | sleep 1000",
  ])
  func `ebb drain waits for connections when its output is closed, full or not read`(script: String) throws {
    let (_, port) = try serve("--no-accept")
    let client = try RawClient(port)
    let drain = [try Binaries.ebb(), "drain", "--delay", "0", "--drain-timeout", "2s", "--ports", "\(port)"]
    let begun = Clock.now()
    let tell = "tell() { \"$@\"; echo \"code=$?\" >&2; }; "
    let run = try Run.program(["/bin/sh", "-c", tell + script, "sh"] + drain)
    #expect(try run.line("code=", on: run.err) == "code=1")
    #expect(Clock.now() - begun >= .seconds(2))
    _ = client
  }

  // MARK: In a container

  @Test(.needs(.runc)) func `ebb drain in a container counts the connections of the supervisor's command`() throws {
    let container = try Container(["--delay", "20s", "--drain", "time"], ["/TestApp", "serve", "0"], .withTraffic)
    let port = Int(try container.run.line("listening").number("port"))
    let client = try RawClient(port)
    client.ask("/delay/12")
    try container.waitForClass("owed-response")
    let options = ["--delay", "0", "--drain-quiet", "300ms"]
    let bound = try CommandResult(try container.exec(["/ebb", "drain"] + options + ["--drain-timeout", "0"]))
    #expect(bound.exit == .code(1) && bound.out.contains("1 busy (1 owed-response)"), "\(bound)")
    let drained = try container.exec(["/ebb", "drain"] + options + ["--drain-timeout", "20s"])
    try client.expectAnswer()
    try drained.expect(.code(0))
    #expect(drained.out.lines.last?.hasSuffix(", port \(port), by diag+info") == true, "\(drained)")
    #expect(container.run.poll() == nil)
    #expect(container.run.err.text == "")
  }

  /// Runs a command with its own /proc and network namespace and without a supervisor, as a container does.
  private func alone(_ command: [String]) throws -> (run: Run, first: pid_t) {
    let run = try Run.program(command, .launch("--network-namespace", "--pid-namespace"))
    return (run, try run.firstChild())
  }

  private func drain(inside first: pid_t, _ options: String...) throws -> CommandResult {
    let nsenter = [installed("nsenter"), "-t", "\(first)", "-p", "-m", "-n"]
    return try CommandResult(try Run.program(nsenter + [Binaries.ebb(), "drain"] + options, .withTraffic))
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `ebb drain in a container without a supervisor finds the listening sockets itself`() throws {
    let (server, first) = try alone(testApp("serve", "0", "--no-accept"))
    let port = Int(try server.line("listening").number("port"))
    let quiet = try drain(inside: first, "--delay", "0", "--drain-quiet", "300ms")
    #expect(quiet.exit == .code(0))
    #expect(quiet.out.hasSuffix(" (quiet): 0 busy, 0 idle, port \(port), by diag+info\n"))
    let client = try Run.program(testApp("connect", "\(port)", "1", "--silent"), inNetworkOf: first)
    try client.line("connected")
    let busy = try drain(inside: first, "--delay", "0", "--drain-timeout", "500ms")
    #expect(busy.exit == .code(1) && busy.out.contains("1 busy (1 pending-accept)"), "\(busy)")
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `ebb drain in a container without a listening socket waits only for --delay`() throws {
    let (run, first) = try alone(testApp("stay"))
    try run.line("ready")  // /proc is mounted by now
    let answer = try drain(inside: first)
    #expect(answer.exit == .code(0), "\(answer)")
    #expect(answer.out == "no listening sockets; nothing to drain\n", "\(answer)")
    let begun = Clock.now()
    let kept = try drain(inside: first, "--delay", "1s")
    #expect(Clock.now() - begun >= .seconds(1))
    #expect(kept.exit == .code(0) && kept.out.hasSuffix("nothing to drain\n"), "\(kept)")
  }
}
