import Foundation
import Testing

/// Connections without a request in flight: whether they hold the drain, and when traffic counts as quiet.
@Suite(.endsItsProcesses, .mostlyWaits)
struct IdleModeTests {
  @Test func `1000 idle keep-alive connections do not hold the drain`() throws {
    let server = try ServedApp(["--delay", "500ms", "--drain-timeout", "20s"])
    let pool = try Run.program(testApp("connect", "\(server.port)", "1000"))
    try pool.line("connected")
    let sent = try server.stop()
    // ebb starts to sample at the stop signal, so quiet is known 2 s after it at the earliest.
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(2))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_forward") == 0, "\(report)")
    #expect(report["connections_after_stop"] == 0, "\(report)")
    #expect(report["drain_ms"].map { $0 < 15_000 } == true, "\(report)")
    let connections = try server.sampleWithPorts()
    #expect(connections["source"] as? String == "diag+info")
    #expect(connections["ports"] as? [Int] == [server.port])
  }

  @Test(arguments: [[], ["--silent"]])
  func `quiet time during the delay counts for the drain`(how: [String]) throws {
    let server = try ServedApp(["--delay", "3500ms", "--drain-quiet", "3s"])
    let pool = try Run.program(testApp("connect", "\(server.port)", "100") + how)
    try pool.line("connected")
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(3500))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet", "\(report)")
    // The quiet time does not start only after the delay.
    #expect(report["drain_ms"].map { $0 < 3000 } == true, "\(report)")
  }

  @Test func `a silent WebSocket does not hold the drain and one whose client sent last does`() throws {
    for (speaks, end) in [(false, "quiet"), (true, "bound")] {
      let bound = speaks ? ["--drain-timeout", "1500ms"] : ["--drain-timeout", "20s"]
      let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "300ms"] + bound)
      let client = try RawClient(server.port)
      client.ask("/upgrade")
      _ = try client.read(upTo: "\r\n\r\n")
      if speaks {
        usleep(50_000)  // another kernel clock tick: within one tick the order of response and ping is unknown
        client.send("ping")
        try server.expectRequest()
      }
      try server.stop()
      #expect(try server.report().drainEndedBy == end)
    }
  }

  // MARK: A scrape each second

  @Test(arguments: [[], ["--keep-alive"]])
  func `a scrape each second holds the drain until its timeout if the quiet time is longer`(how: [String]) throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-timeout", "6s", "--drain-quiet", "4s"])
    let scraper = try Run.program(testApp("scrape", "\(server.port)", "1000") + how)
    try scraper.line("scraped")
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(6200))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound", "\(report)")
    if how.isEmpty {
      #expect(report["connections_after_stop"].map { $0 >= 4 } == true, "\(report)")
    } else {
      #expect(report["connections_after_stop"] == 0, "\(report)")
    }
    #expect(report["last_request_ms"].map { $0 >= 2000 } == true, "\(report)")
    try scraper.expect(.code(0))
  }

  @Test(arguments: [[], ["--keep-alive"]])
  func `a drain ends between two scrapes if the quiet time is shorter than their interval`(how: [String]) throws {
    let server = try ServedApp(["--delay", "1500ms", "--drain-timeout", "20s", "--drain-quiet", "500ms"])
    let scraper = try Run.program(testApp("scrape", "\(server.port)", "1000") + how)
    try scraper.line("scraped")
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report["drain_ms"].map { $0 < 15_000 } == true, "\(report)")
    try scraper.expect(.code(0))
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `connections that open and close between two samples are counted`() throws {
    let server = try ServedApp(["--delay", "6s", "--drain-quiet", "500ms"], launch: ["--network-namespace"])
    try server.stop()
    try server.sampleWithPorts()
    try server.connect(30)
    let report = try server.report()
    #expect(report["connections_after_stop"] == 30, "\(report)")
    #expect(report["last_connection_ms"].map { $0 > 0 && $0 < 6000 } == true, "\(report)")
  }

  // MARK: Modes

  @Test func `--drain zero waits until an idle keep-alive connection closes`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain", "zero", "--drain-quiet", "300ms"])
    var client: RawClient? = try RawClient(server.port)
    try client?.exchange()
    try server.waitUntilAnswered()
    let sent = try server.stop()
    // Not a wait for a condition: the time in which nothing may happen.
    sleep(2)
    server.run.out.read()
    #expect(server.run.signals == [])
    client = nil
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(2))
    let report = try server.report()
    #expect(report.drainEndedBy == "zero" && report.inFlight("at_stop") == 0, "\(report)")
  }

  @Test
  func `--drain zero times out on an open connection and ends immediately without one`() throws {
    for opens in [true, false] {
      let server = try ServedApp(["--delay", "200ms", "--drain", "zero", "--drain-timeout", "8s"])
      let client = opens ? try RawClient(server.port) : nil
      try client?.exchange()
      let sent = try server.stop()
      let delay = try server.timeToStopSignal(after: sent)
      let report = try server.report()
      #expect(report.drainEndedBy == (opens ? "bound" : "zero"), "\(report)")
      #expect(delay >= .milliseconds(opens ? 8200 : 200))
    }
  }

  @Test func `--drain time forwards SIGTERM after the delay and reports the requests in flight`() throws {
    let server = try ServedApp(["--delay", "5s", "--drain", "time"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/12", client)
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(5))
    try client.expectAnswer()
    let report = try server.report()
    #expect(report.values["drain_ended_by"] is NSNull, "\(report)")
    #expect(report.inFlight("at_stop") == 1 && report.inFlight("at_forward") == 1, "\(report)")
    #expect(report.inFlight("at_kill") == nil && report["stop_ms"].map { $0 > 1000 } == true, "\(report)")
  }

  // MARK: What else ends it

  @Test func `SIGINT ends the drain and is not forwarded`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-timeout", "20s"], ["--no-accept"])
    let client = try RawClient(server.port)
    try server.stop()
    try server.run.event("draining")
    try server.sampleWithPorts()
    try server.run.send(.sigint)
    let report = try server.report()
    #expect(report.drainEndedBy == "signal" && report.inFlight("at_forward") == 1, "\(report)")
    #expect(server.run.signals.map { $0.split(separator: " ")[1] } == ["TERM"])
    _ = client
  }

  @Test func `ebb stop --now ends the drain`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-timeout", "20s"], ["--no-accept"])
    let client = try RawClient(server.port)
    try server.stop()
    try server.run.event("draining")
    try server.sampleWithPorts()
    let answer = try CommandResult.ebb("stop", "--now", about: server.run)
    #expect(answer.exit == .code(0), "\(answer)")
    let report = try server.report()
    #expect(report.drainEndedBy == "skipped" && report.inFlight("at_forward") == 1, "\(report)")
    _ = client
  }

  @Test func `the command's exit ends the drain`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-timeout", "20s"], ["--no-accept"])
    let client = try RawClient(server.port)
    try server.stop()
    try server.run.event("draining")
    kill(try server.run.command(), SIGKILL)
    let report = try server.report(.code(137))
    #expect(report.drainEndedBy == "exit" && report.values["killed"] as? Bool == false, "\(report)")
    _ = client
  }
}
