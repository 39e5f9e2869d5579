import Foundation
import TestSupport
import Testing

/// Kernels that report less, nothing or an error: ebb waits for the connections that it can count, and drains until its
/// timeout if it cannot count them.
@Suite(.endsItsProcesses, .mostlyWaits)
struct DegradedKernelTests {
  private let short = ["--delay", "200ms", "--drain-quiet", "500ms", "--drain-timeout", "8s"]
  /// For drains that must end by quiet. On a busy machine a sample takes long, so ebb samples rarely.
  private let patient = ["--delay", "200ms", "--drain-quiet", "500ms", "--drain-timeout", "20s"]

  /// Returns the source, the level and the message of the last record about the count.
  private func line(_ server: ServedApp) throws -> (source: String?, level: String?, message: String?) {
    // On a busy machine the first sample may not find the owners of the listening sockets.
    let record = try #require(server.run.events("connections").last)
    return (record["source"] as? String, record["level"] as? String, record["msg"] as? String)
  }

  // MARK: Netlink refused

  @Test func `without netlink an unread request found in /proc holds the drain`() throws {
    let options = ["--delay", "200ms", "--drain-quiet", "500ms", "--drain-timeout", "6s"]
    let server = try ServedApp(options, ["--no-read"], launch: ["--no-netlink"])
    let client = try RawClient(server.port)
    client.ask()
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(6200))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == 1, "\(report)")
    let line = try line(server)
    #expect(line.source == "proc")
    #expect(line.level == "warning")
    #expect(line.message?.hasPrefix("the kernel does not report connection ages") == true)
    _ = client
  }

  @Test func `without netlink an idle connection counts as busy and the drain lasts until its timeout`() throws {
    let server = try ServedApp(short, launch: ["--no-netlink"])
    let client = try RawClient(server.port)
    try client.exchange()
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(8200))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == 0, "\(report)")
    let status = server.run.events("connections").last
    #expect(status?["busy"] as? Int == 1 && status?["idle"] as? Int == 0, "\(report)")
    _ = client
  }

  @Test(.needs(.pidNamespace), arguments: [false, true])
  func `without netlink the drain ends by quiet without clients and after a request has ended`(asks: Bool) throws {
    // In a new network namespace, because ebb uses the number of all connections accepted there.
    let server = try ServedApp(patient, launch: ["--network-namespace", "--no-netlink"])
    let begun = Clock.now()
    let request = try asks ? server.ask("/delay/6") : nil
    if asks { try server.expectRequest() }
    try server.stop()
    #expect(try server.timeToStopSignal(after: begun) >= .milliseconds(asks ? 6000 : 500))
    if let request {
      try request.expect(.code(0))
      #expect(request.out.lines == ["ok"])
    }
    #expect(try server.report().drainEndedBy == "quiet")
    #expect(try line(server).source == "proc")
  }

  /// Without netlink ebb uses the number of all accepted connections, from which it subtracts its own.
  @Test(.needs(.pidNamespace), .needs(.program("curl")), .needs(.program("nsenter")))
  func `without netlink probes of the health port do not count as traffic`() throws {
    let options = ["--delay", "200ms", "--drain-quiet", "1500ms", "--drain-timeout", "20s"]
    let server = try ServedApp(options + ["--health", "8086"], launch: ["--network-namespace", "--no-netlink"])
    let asks = "while curl -s -o /dev/null http://127.0.0.1:8086/livez; do echo asked; sleep 0.1; done"
    let probes = try Run.program(["/bin/sh", "-c", asks], inNetworkOf: server.run.supervisor())
    try probes.line("asked")
    try server.stop()
    #expect(try server.report().drainEndedBy == "quiet")
    try probes.expect(.code(0))
  }

  // MARK: No proc

  @Test(.needs(.pidNamespace))
  func `without netlink and /proc the drain lasts until its timeout`() throws {
    let run = try Run.ebb(
      ["--log", "json"] + short, testApp("serve", "0"), noProc(["--no-netlink"]))
    let port = Int(try run.line("listening").number("port"))
    try RawClient(port).exchange()
    let sent = try stop(run)
    try run.line("got TERM")
    #expect(Clock.now() - sent >= .milliseconds(8200))
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_stop") == nil, "\(report)")
    #expect(report.values["connections_after_stop"] is NSNull, "\(report)")
    let warning = try #require(run.events("connections").first)
    #expect(warning["level"] as? String == "warning" && warning["source"] as? String == "none", "\(report)")
  }

  @Test(.needs(.pidNamespace))
  func `without /proc every listening socket of the network namespace counts`() throws {
    // In a new network namespace, because all sockets of the host's would count.
    var setup = noProc([])
    setup.launch.insert("--network-namespace", at: 0)
    let run = try Run.ebb(["--log", "json"] + short, testApp("serve", "0", "--no-accept"), setup)
    let port = Int(try run.line("listening").number("port"))
    let first = try run.firstChild()
    let script = "exec 3<>/dev/tcp/127.0.0.1/\(port); echo GET >&3; echo connected; exec sleep 600"
    let client = try Run.program(["/bin/bash", "-c", script], inNetworkOf: first)
    try client.line("connected")
    try stop(run)
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == 1, "\(report)")
    let warning = try #require(run.events("connections").first)
    #expect(warning["level"] as? String == "warning" && warning["source"] as? String == "diag+info", "\(report)")
    #expect(warning["ports"] as? [Int] == [port], "\(report)")
  }

  @Test(.needs(.pidNamespace))
  func `without /proc and with --ports the drain ends by quiet after a request`() throws {
    let port = try Client.freePort()
    let options = ["--log", "json", "--ports", "\(port)"] + patient
    let run = try Run.ebb(options, testApp("serve", "\(port)"), noProc([]))
    try run.line("listening")
    let client = try RawClient(port)
    // A sample counts a connection twice if it is accepted meanwhile. The request comes in another kernel clock tick
    // than the response before it, because within one tick their order is unknown.
    try client.exchange()
    usleep(50_000)
    client.ask("/delay/6")
    usleep(50_000)  // the kernel delivers the request in this time, and /proc is not available to check it
    try stop(run)
    try client.expectAnswer()
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
  }

  private func noProc(_ more: [String]) -> LaunchOptions {
    let setup = LaunchOptions.withTraffic(launch: ["--pid-namespace-without-proc"] + more)
    return setup
  }

  @discardableResult
  private func stop(_ run: Run) throws -> Duration {
    let moment = Clock.now()
    kill(try run.firstChild(), SIGTERM)
    return moment
  }

  // MARK: Errors

  @Test(.needs(.strace), arguments: ["EIO", "ENOBUFS", "EPERM", "EINTR"])
  func `a lasting netlink read error makes the drain last until its timeout`(error: String) throws {
    // No connection is open, so without the error the drain would end after the quiet time.
    let server = try ServedApp(["--delay", "1s", "--drain-quiet", "8s", "--drain-timeout", "12s"])
    let sent = try server.stop()
    try server.run.event("connections")
    _ = try server.run.inject("recvfrom:error=\(error)")
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(13))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == nil, "\(report)")
    #expect(report.inFlight("at_stop") == 0, "\(report)")
    let failures = server.run.events("count-failed")
    // The failure is logged once.
    #expect(failures.count == 1 && failures[0]["level"] as? String == "warning", "\(report)")
    #expect((failures[0]["problem"] as? String)?.hasPrefix("sock_diag: ") == true, "\(report)")
  }

  @Test(.needs(.strace))
  func `a passing netlink read error loses one sample and the drain still ends by quiet`() throws {
    let options = ["--delay", "1s", "--drain-quiet", "3s", "--drain-timeout", "60s"]
    let server = try ServedApp(options + ["--termination-grace-period", "70s"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/5", client)
    let sent = try server.stop()
    try server.run.event("connections")
    let tracer = try server.run.inject("recvfrom:error=EIO")
    try server.run.event("count-failed")
    try tracer.detach()
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(4))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_forward") == 0, "\(report)")
    #expect(server.run.events("count-failed").count == 1, "\(report)")
    // The source stays the same: no fallback.
    #expect(server.run.events("connections").allSatisfy { $0["source"] as? String == "diag+info" }, "\(report)")
  }

  // MARK: Little

  @Test(arguments: [[], ["--health", "0"]])
  func `16 descriptors are enough to count connections`(health: [String]) throws {
    let more = health.isEmpty ? [] : ["--health", "\(try Client.freePort())"]
    let server = try ServedApp(patient + more, launch: ["--rlimit-nofile", "16"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/6", client)
    try server.stop()
    try client.expectAnswer()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
    #expect(!server.run.err.text.contains("\"warning\""), "\(report)")
  }

  @Test(.needs(.root))
  func `ebb as an unprivileged user counts connections with their ages`() throws {
    let server = try ServedApp(patient, launch: ["--uid", "65534"])
    let client = try RawClient(server.port)
    try server.startRequest("/delay/6", client)
    try server.stop()
    try client.expectAnswer()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
    let line = try line(server)
    #expect(line.source == "diag+info")
    #expect(line.level == "info")
  }

  @Test(.needs(.runc))
  func `ebb in a container without capabilities counts connections with their ages`() throws {
    let container = try Container(["--log", "json"] + patient, ["/TestApp", "serve", "0"], .withTraffic)
    let port = Int(try container.run.line("listening").number("port"))
    let client = try RawClient(port)
    client.ask("/delay/12")
    try container.waitForClass("owed-response")
    try container.kill(.sigterm)
    try client.expectAnswer()
    try container.run.expect(.code(0))
    let report = try FinalReport(container.run)
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
    let records = try container.run.records()
    let connections = try #require(records.first { $0["event"] as? String == "connections" })
    #expect(connections["source"] as? String == "diag+info" && connections["ports"] as? [Int] == [port], "\(report)")
    #expect(!records.contains { $0["level"] as? String == "warning" }, "\(report)")
  }
}

extension Container {
  /// Waits until `ebb status` in the container shows a connection of that class.
  func waitForClass(_ name: String) throws {
    try run.wait(for: "a connection of the class \(name)") {
      try CommandResult(try exec(["/ebb", "status", "--connections"])).out.contains(name)
    }
  }
}
