import Foundation
import TestSupport
import Testing

/// The traffic of a stop in the log, in the report and in `ebb status`.
@Suite(.endsItsProcesses, .mostlyWaits)
struct DrainReportTests {
  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `the report suggests a longer delay when the last connection arrived after the delay`() throws {
    let options = ["--delay", "500ms", "--drain-quiet", "6s", "--drain-timeout", "20s"]
    let server = try ServedApp(options, launch: ["--network-namespace"])
    let sent = try server.stop()
    try server.run.event("draining")
    try Clock.wait(for: "one second") { Clock.now() - sent >= .seconds(1) }
    try server.connect(1)
    let report = try server.report()
    #expect(report["connections_after_stop"] == 1, "\(report)")
    let last = try #require(report["last_connection_ms"])
    #expect(last >= 900, "\(report)")
    let advice = try #require(report.text("advice"))
    #expect(advice.hasPrefix("the last connection arrived at +"), "\(advice)")
    let seconds = (last * 13 / 10 + 999) / 1000
    #expect(advice.hasSuffix("s, the delay is 500ms: use --delay \(seconds)s"), "\(advice)")
    // The message for people does not contain the advice.
    #expect(report.text("msg") == "the command exited with 0")
  }

  /// A plain `docker stop` without configuration gives 10 s in all.
  @Test func `under steady traffic SIGTERM is forwarded after 5 of 10 s and the report suggests no delay`() throws {
    let server = try ServedApp(["--drain-quiet", "10s"])  // a busy machine causes pauses in the traffic
    let client = "while :; do curl -s -o /dev/null --max-time 1 http://127.0.0.1:\(server.port)/; sleep 0.3; done"
    let asking = try Run.program(["/bin/sh", "-c", client])
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "bound", "\(report)")
    #expect(server.run.events("delaying").first?["for_ms"] as? Int == 1666)
    #expect(try #require(server.run.events("draining").first?["for_ms"] as? Int) <= 3334)
    let advice = try #require(report.text("advice"))
    #expect(advice.hasPrefix("connections arrived without a pause until the stop signal was forwarded"), "\(advice)")
    #expect(!advice.contains("use --delay"), "\(advice)")
    try asking.end()
  }

  @Test func `the report suggests a shorter delay when the last connection arrived early`() throws {
    let server = try ServedApp(["--delay", "20s", "--drain-quiet", "300ms", "--drain-timeout", "1s"])
    try server.stop()
    try server.run.event("connections")
    try RawClient(server.port).exchange()
    let report = try server.report()
    let last = try #require(report["last_connection_ms"])
    #expect(last < 5000, "\(report)")
    let advice = try #require(report.text("advice"))
    let seconds = max(1, (last * 13 / 10 + 999) / 1000)
    #expect(advice.hasPrefix("the last connection arrived at +"), "\(advice)")
    #expect(advice.hasSuffix("s, the delay is 20s: --delay \(seconds)s is enough"), "\(advice)")
  }

  @Test func `the report gives no advice when no connection arrived after the stop signal`() throws {
    let server = try ServedApp(["--delay", "500ms", "--drain-quiet", "300ms"])
    let client = try RawClient(server.port)
    try client.exchange()
    try server.waitUntilAnswered()
    try server.stop()
    let report = try server.report()
    #expect(report.values["advice"] is NSNull && report.values["last_connection_ms"] is NSNull, "\(report)")
    #expect(report.inFlight("at_stop") == 0, "\(report)")
  }

  @Test func `requests on established connections do not count as new connections`() throws {
    let server = try ServedApp(["--delay", "5s", "--drain-quiet", "300ms"])
    let client = try RawClient(server.port)
    try client.exchange()
    try server.waitUntilAnswered()
    let sent = try server.stop()
    try server.run.event("connections")
    try Clock.wait(for: "300 ms") { Clock.now() - sent >= .milliseconds(300) }
    for _ in 0..<5 { try client.exchange() }
    let report = try server.report()
    #expect(report["last_request_ms"].map { $0 >= 300 } == true, "\(report)")
    #expect(report["connections_after_stop"] == 0 && report.values["last_connection_ms"] is NSNull, "\(report)")
  }

  /// The kernel reports the end of the connection only when the app closes it.
  @Test func `closing a connection the client had already reset does not count as a new connection`() throws {
    let server = try ServedApp(["--delay", "5s", "--drain-quiet", "300ms"])
    let app = try server.run.command()
    let begun = Clock.now()
    do {
      let client = try RawClient(server.port)
      try server.startRequest("/delay/20", client)
      kill(app, SIGSTOP)
      client.reset()
    }
    // The reported age is that of the moment of the close, which may be earlier than the pass that reads it.
    try server.run.wait(for: "the close of the connection and 2 s") {
      (try server.connections()["list"] as? [Any])?.isEmpty == true && Clock.now() - begun >= .seconds(2)
    }
    try server.stop()
    try server.run.event("connections")
    kill(app, SIGCONT)
    let report = try server.report()
    #expect(report["connections_after_stop"] == 0 && report.values["last_connection_ms"] is NSNull, "\(report)")
    #expect(report.values["advice"] is NSNull, "\(report)")
  }

  @Test func `ebb status --connections applies the supervisor's --drain-quiet and --ports`() throws {
    let server = try ServedApp(["--drain-quiet", "1h"])
    let client = try RawClient(server.port)
    try client.exchange()
    var one: [String: Any]?
    try server.run.wait(for: "a while without a byte") {
      one = (try server.connections()["list"] as? [[String: Any]])?.first
      return (one?["last_in_ms"] as? Int ?? 0) > 2500
    }
    #expect(one?["class"] as? String == "active-stream")
    let text = try CommandResult.ebb("status", "--connections", about: server.run).out
    #expect(text.contains("  active-stream  ") && text.contains("1 busy (1 active-stream), 0 idle, "), "\(text)")
    let named = try ServedApp(["--ports", "1"])
    let other = try RawClient(named.port)
    try other.exchange()
    let connections = try named.connections()
    #expect(connections["ports"] as? [Int] == [1])
    #expect((connections["list"] as? [Any])?.isEmpty == true)
  }

  @Test func `the report counts in-flight requests at the stop, the forward and the kill`() throws {
    let options = ["--delay", "0", "--drain", "time", "--grace", "1s"]
    let server = try ServedApp(["--ports", "1"] + options, ["--ignore-term"])
    let report = try reportOfAKill(withThreeRequests)
    #expect(report.values["killed"] as? Bool == true)
    for key in ["at_stop", "at_forward", "at_kill"] { #expect(report.inFlight(key) == 3, "\(key) \(report)") }
    // Without a count the report contains no number.
    let client = try RawClient(server.port)
    client.ask("/delay/30")
    try server.stop()
    let unknown = try server.report(.code(137))
    for key in ["at_stop", "at_forward", "at_kill"] { #expect(unknown.inFlight(key) == nil, "\(key) \(unknown)") }
  }

  private func withThreeRequests() throws -> FinalReport {
    // With --ports, so that no listening socket has to be found just before the kill.
    let port = try Client.freePort()
    let server = try ServedApp(
      ["--delay", "2s", "--drain", "time", "--grace", "2s", "--ports", "\(port)"],
      command: testApp("serve", "\(port)", "--ignore-term"))
    let clients = try (0..<3).map { _ in try RawClient(server.port) }
    for client in clients { client.ask("/delay/30") }
    try server.run.wait(for: "three requests") { try server.waitForClass("owed-response")["owed-response"] == 3 }
    try server.stop()
    return try server.report(.code(137))
  }

  @Test func `the text log has one line for each step of a drain`() throws {
    var setup = LaunchOptions.withTraffic
    setup.environment["EBB_DRAIN_QUIET"] = "300ms"
    let run = try Run.ebb(["--delay", "10s"], testApp("serve", "0"), in: .subreaper, setup)
    let port = try run.line("listening").number("port")
    try run.stop(.code(0))
    let lines = run.err.lines
    #expect(lines.count == 6, "\(run)")
    #expect(lines[2].contains(" event=connections source=diag+info ports=[\(port)] in_flight=0 busy=0 idle=0 msg="))
    #expect(lines[3].contains(" event=draining "), "\(run)")
    #expect(lines[5].contains(" drain_ended_by=quiet ") && lines[5].contains(" connections_after_stop=0 "), "\(run)")
  }

  // MARK: ebb status

  @Test func `ebb status --connections counts and lists connections before a stop`() throws {
    let server = try ServedApp(["--delay", "20s", "--drain-timeout", "1s", "--grace", "1s"])
    let idle = try RawClient(server.port)
    try idle.exchange()
    let busy = try RawClient(server.port)
    try server.startRequest("/delay/30", busy)
    var connections: [String: Any] = [:]
    try server.run.wait(for: "2 s without a byte") {
      connections = try server.connections()
      let list = connections["list"] as? [[String: Any]] ?? []
      return list.allSatisfy { ($0["last_in_ms"] as? Int ?? 0) >= 2000 }
    }
    #expect(connections["source"] as? String == "diag+info")
    #expect(connections["ports"] as? [Int] == [server.port])
    #expect(connections["busy"] as? Int == 1 && connections["idle"] as? Int == 1, "\(connections)")
    #expect(connections["classes"] as? [String: Int] == ["owed-response": 1, "idle": 1], "\(connections)")
    let list = try #require(connections["list"] as? [[String: Any]])
    #expect(list.count == 2)
    for one in list {
      #expect(Set(one.keys) == ["port", "peer", "class", "last_in_ms", "last_out_ms"])
      #expect(one["port"] as? Int == server.port)
      #expect((one["peer"] as? String)?.hasPrefix("127.0.0.1:") == true)
      #expect((one["last_in_ms"] as? Int).map { (2000...60_000).contains($0) } == true, "\(list)")
    }

    let text = try CommandResult.ebb("status", "--connections", about: server.run)
    let summary = "clients   1 busy (1 owed-response), 1 idle (1 idle), port \(server.port), by diag+info\n"
    #expect(text.exit == .code(0) && text.out.contains(summary), "\(text)")
    let table = try #require(text.out.components(separatedBy: "\n\n").last).split(separator: "\n")
    #expect(table.count == 3 && table[0].hasPrefix(" PORT  PEER "), "\(text)")
    #expect(table[0].split(separator: " ", maxSplits: 2).last?.contains("CLASS") == true)
    let busyRow = table.dropFirst().first { $0.contains("  owed-response  ") }
    #expect(busyRow?.hasPrefix("\(server.port)  127.0.0.1:") == true, "\(text)")
    #expect(table.dropFirst().contains { $0.contains("  idle  ") }, "\(text)")

    // The supervisor itself has not started to count.
    #expect(!(try CommandResult.ebb("status", about: server.run).out.contains("clients ")))
    #expect(server.run.err.text == "")
  }

  @Test func `ebb status shows the supervisor's connection count during a stop`() throws {
    let server = try ServedApp(["--delay", "20s", "--drain-timeout", "1s", "--grace", "1s"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/30", client)
    try server.stop()
    try server.run.event("connections")
    var status: [String: Any] = [:]
    try server.run.wait(for: "the count") {
      status = try CommandResult.ebb("status", "--json", about: server.run).json()
      return status["connections"] is [String: Any]
    }
    let connections = try #require(status["connections"] as? [String: Any])
    #expect(connections["busy"] as? Int == 1 && connections["list"] is NSNull, "\(connections)")
    let stop = try #require(status["stop"] as? [String: Any])
    let (soonest, latest) = (stop["forward_in_ms"] as? Int ?? 0, stop["forward_at_latest_in_ms"] as? Int ?? 0)
    #expect(latest > soonest && soonest > 0, "\(stop)")
    #expect((stop["in_flight"] as? [String: Any])?["at_stop"] as? Int == 1, "\(stop)")
    #expect(stop["connections_after_stop"] as? Int == 0 && stop["drain_ended_by"] is NSNull, "\(stop)")
    let text = try CommandResult.ebb("status", about: server.run)
    #expect(text.out.contains("\nclients   1 busy (1 owed-response), 0 idle, port \(server.port), by diag+info\n"))
    #expect(text.out.contains("\ntraffic   in flight: 1 at the stop signal\n"), "\(text)")
    let listed = try CommandResult.ebb("status", "--connections", about: server.run)
    #expect(listed.out.contains("\n \(server.port)  ") || listed.out.contains("\n\(server.port)  "), "\(listed)")
  }

  /// Without a terminal each change prints a whole report.
  @Test func `ebb status --watch --connections prints each connection at every change`() throws {
    let server = try ServedApp(["--delay", "20s", "--drain-timeout", "1s", "--grace", "1s"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/30", client)
    let pid = "\(server.run.pid)"
    let sampler = try Run.ebb(arguments: ["status", "--watch", "--connections", "--pid", pid], .withTraffic)
    try sampler.wait(for: "a connection") { sampler.out.lines.contains { $0.contains("  owed-response  ") } }
    #expect(sampler.out.lines.first?.contains(": serving for ") == true, "\(sampler)")
    try server.stop()
    try sampler.wait(for: "the stop") { sampler.out.lines.contains { $0.contains(": delaying for ") } }
    kill(try server.run.command(), SIGKILL)
    try sampler.expect(.code(0))
  }

  @Test func `ebb status --connections lists no connection without clients and without listening sockets`() throws {
    let server = try ServedApp()
    let none = try CommandResult.ebb("status", "--connections", about: server.run)
    #expect(none.out.contains("\nclients   0 busy, 0 idle, port \(server.port), by diag+info\n"), "\(none)")
    #expect(none.out.hasSuffix("\n\nno connections\n"), "\(none)")
    let deaf = try Run.ready([], testApp("stay"))
    let answer = try CommandResult.ebb("status", "--connections", about: deaf)
    #expect(answer.exit == .code(0) && answer.out.hasSuffix("\n\nno connections\n"), "\(answer)")
  }
}
