import Foundation
import TestSupport
import Testing

/// `ebb smoke` with commands that stop gracefully.
@Suite(.endsItsProcesses)
struct SmokeTests {
  /// The server of TestApp, and smoke options that send requests to it.
  private func server() throws -> (options: [String], command: [String]) {
    let port = try Client.freePort()
    let url = "http://127.0.0.1:\(port)/"
    return (["--http", url, "--slow", url + "delay/2", "--rate", "50", "--delay", "2s"], testApp("serve", "\(port)"))
  }

  @Test(arguments: PIDRole.possible)
  func `ebb smoke passes for a server that stops gracefully`(place: PIDRole) throws {
    let (options, command) = try server()
    let smoke = try SmokeResult(options, command, in: place)
    #expect(smoke.exit == .code(0) && smoke.failed == [] && smoke.skipped == ["delay-sufficient"], "\(smoke)")
    #expect(try smoke.number("requests", "total") >= 10)
    #expect(try smoke.number("requests", "failed") == 0)
    #expect(try smoke.number("exit", "code") == 0)
    #expect(try smoke.number("exit", "after_ms") >= 2000)
    let handled = try smoke.detail("stop-signal-handled")
    #expect(try handled.span(after: "`TestApp` got SIGTERM and exited ") < .seconds(20), "\(smoke)")
    // The command's own output is on standard error beside the supervisor's log.
    #expect(smoke.run.err.lines.contains("served"))
    #expect(smoke.run.err.text.contains("event=exited code=0"))
  }

  @Test func `ebb smoke passes below an ebb that is the image's entry point`() throws {
    let (options, command) = try server()
    let inner = [try Binaries.ebb(), "smoke", "--output", "json"] + SmokeResult.short + options + ["--"] + command
    let smoke = try SmokeResult(try Run.ebb([], inner, .withTraffic))
    #expect(smoke.exit == .code(0) && smoke.failed == [], "\(smoke)")
  }

  @Test(.needs(.runc))
  func `ebb smoke passes in a container that holds only ebb and the command`() throws {
    let (options, command) = try server()
    let container = try Container(
      ["smoke", "--output", "json"] + SmokeResult.short + options, ["/TestApp"] + command.dropFirst())
    let smoke = try SmokeResult(container.run)
    #expect(smoke.exit == .code(0) && smoke.failed == [], "\(smoke)")
    #expect(try smoke.number("requests", "total") >= 10)
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke sends half of its requests on keep-alive connections`() throws {
    let server = try PythonServer("graceful")
    // At a low rate, because a second connection is opened while the last response is missing.
    let smoke = try SmokeResult(["--http", server.url, "--rate", "10", "--duration", "4s"], server.command)
    #expect(smoke.exit == .code(0), "\(smoke)")
    let line = try #require(smoke.run.err.lines.first { $0.hasPrefix("served") }, "\(smoke)")
    let (connections, requests) = (try line.number("connections"), try line.number("requests"))
    #expect(Int(requests) >= (try smoke.number("requests", "total")), "\(line)")
    #expect(connections < requests * 3 / 4 && connections > requests / 4, "\(line)")
  }

  @Test(.needs(.program("python3")), arguments: ["closes", "drops"])
  func `ebb smoke passes if the server closes keep-alive connections`(fault: String) throws {
    let server = try PythonServer(fault, "graceful")
    let smoke = try SmokeResult(["--http", server.url, "--rate", "50", "--delay", "2s"], server.command)
    #expect(smoke.exit == .code(0) && smoke.failed == [], "\(smoke)")
    // A connection closed while idle is not used again. One closed during a request causes a retry.
    #expect(try smoke.detail("no-failed-requests-during-delay").contains(" retried because ") == (fault == "drops"))
  }

  @Test func `ebb smoke --rate limits the number of requests`() throws {
    let port = try Client.freePort()
    let begun = Clock.now()
    let smoke = try SmokeResult(
      ["--tcp", "\(port)", "--rate", "1000", "--duration", "1s"], testApp("serve", "\(port)"))
    #expect(smoke.exit == .code(0), "\(smoke)")
    // 1400 on an idle machine, and never more than one per millisecond.
    let most = Int((Clock.now() - begun) / .milliseconds(1))
    #expect(try 100...max(100, most) ~= smoke.number("requests", "total"), "\(smoke)")
  }

  @Test func `ebb smoke --tcp passes with connections instead of requests`() throws {
    let port = try Client.freePort()
    let smoke = try SmokeResult(
      ["--tcp", "\(port)", "--ready-tcp", "\(port)", "--delay", "2s"], testApp("serve", "\(port)"))
    #expect(smoke.exit == .code(0) && smoke.failed == [] && smoke.skipped.count == 2, "\(smoke)")
    #expect(try smoke.number("requests", "total") >= 5)
  }

  @Test func `ebb smoke without a port checks only the process`() throws {
    let smoke = try SmokeResult(["--expect-exit", "7"], testApp("signals", "--exit-on", "TERM:7"))
    #expect(smoke.exit == .code(0) && smoke.skipped.count == 5, "\(smoke)")
    #expect(try smoke.detail("exit-code") == "7")
    #expect(try smoke.number("requests", "total") == 0)
  }

  @Test func `ebb smoke hands supervisor options and variables to the supervisor`() throws {
    var setup = LaunchOptions.withTraffic
    setup.environment["EBB_REWRITE"] = "TERM:USR1"
    let log = try TestResources.folder() + "/log"
    let options = ["--log=json", "--ports", "1", "--drain", "time", "--termination-log", log, "-v"]
    let smoke = try SmokeResult(options, testApp("signals", "--exit-on", "USR1:0", "--ignore-term"), setup)
    #expect(smoke.exit == .code(0) && smoke.run.err.lines.contains("got USR1"), "\(smoke)")
    let times = try smoke.detail("time-to-exit")
    #expect(try times.span(after: "the delay ") >= .milliseconds(500) && times.contains("s, the drain "), "\(smoke)")
    let json = smoke.run.err.lines.filter { $0.hasPrefix("{") }
    #expect(json.first?.contains("\"event\":\"spawned\"") == true, "\(smoke)")
    let left = try String(contentsOfFile: log, encoding: .utf8)
    #expect(left == json.last.map { $0 + "\n" }, "\(left)")
  }

  @Test func `ebb smoke passes if its parent left signals ignored and blocked`() throws {
    let smoke = try SmokeResult(
      [], testApp("signals"), LaunchOptions(launch: ["--ignore", "CHLD", "--block", "all", "--close", "0"]))
    #expect(smoke.exit == .code(0), "\(smoke)")
  }

  @Test func `on a terminal ebb smoke shows its progress`() throws {
    var setup = LaunchOptions.withTraffic
    setup.terminal = try Terminal()
    let run = try Run.ebb(["smoke", "-q"] + SmokeResult.short, testApp("signals"), setup)
    try run.expect(.code(0))
    run.out.read()
    #expect(run.out.text.contains("serving, the stop signal in 0."), "\(run)")
    #expect(run.out.text.contains("pass  exit-code "), "\(run)")
    #expect(run.out.lines.last { !$0.isEmpty }?.hasPrefix("passed: 7 checks passed") == true, "\(run)")
  }
}
