import Foundation
import TestSupport
import Testing

/// The discovery of the ports whose connections count.
@Suite(.endsItsProcesses, .mostlyWaits)
struct PortDiscoveryTests {
  /// Long enough to show which clients hold the drain.
  private let short = ["--delay", "200ms", "--drain-quiet", "1500ms", "--drain-timeout", "20s"]

  // MARK: Listening sockets

  @Test(.needs(.ipv6), arguments: [(AF_INET, "127.0.0.1"), (AF_INET6, "[0:0:0:0:0:0:0:1]")])
  func `the drain waits for clients of a dual-stack listening socket`(family: Int32, address: String) throws {
    let server = try ServedApp(short, ["--dual"])
    let client = try RawClient(server.port, family: family)
    let asked = Clock.now()
    try server.startRequest("/delay/8", client)
    let list = try #require(try server.connections()["list"] as? [[String: Any]])
    #expect((list.first?["peer"] as? String)?.hasPrefix(address + ":") == true, "\(list)")
    try server.stop()
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(8))
    #expect(try server.report().drainEndedBy == "quiet")
  }

  @Test func `clients of several listening sockets on one port are all counted`() throws {
    let server = try ServedApp(short, ["--reuseport", "4"])
    // The kernel spreads the clients over the sockets.
    let clients = try (0..<8).map { _ in try RawClient(server.port) }
    for client in clients { client.ask("/delay/8") }
    try server.run.wait(for: "eight requests") { try server.waitForClass("owed-response")["owed-response"] == 8 }
    try server.stop()
    for client in clients { try client.expectAnswer() }
    let report = try server.report()
    #expect(report.inFlight("at_stop") == 8 && report.drainEndedBy == "quiet", "\(report)")
    let ports = try server.sampleWithPorts()["ports"] as? [Int]
    #expect(ports == [server.port])
  }

  @Test func `a listening socket opened after the stop signal is discovered`() throws {
    let options = ["--delay", "5s", "--drain-quiet", "1500ms", "--drain-timeout", "20s", "-t", "60s"]
    let server = try ServedApp(options, ["--late", "USR1"])
    let sent = try server.stop()
    try server.sampleWithPorts()
    try server.run.send(.sigusr1)
    let late = Int(try server.run.line("listening").number("port"))
    let client = try RawClient(late)
    client.ask("/delay/7")
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(7))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet", "\(report)")
    let ports = server.run.events("connections").compactMap { $0["ports"] as? [Int] }.filter { !$0.isEmpty }
    #expect(ports == [[server.port], [server.port, late].sorted()], "\(report)")
  }

  @Test func `the drain waits for a request in flight after the app closed its listening socket during the drain`()
    throws
  {
    let server = try ServedApp(short + ["--drain-timeout", "15s"], ["--close-on", "USR1"])
    let client = try RawClient(server.port)
    let asked = Clock.now()
    try server.startRequest("/delay/8", client)
    try server.stop()
    try server.run.event("draining")
    try server.sampleWithPorts()  // an ephemeral port cannot be recognised once its socket is closed
    try server.run.send(.sigusr1)
    try server.run.line("closed")
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(8))
    #expect(try server.report().drainEndedBy == "quiet")
  }

  @Test func `the listening sockets of two children are both discovered`() throws {
    let script = "\(Binaries.testApp) serve 0 & \(Binaries.testApp) serve 0; :"
    let server = try ServedApp(short + ["--group"], command: ["/bin/sh", "-c", script])
    let other = Int(try server.run.line("listening").number("port"))
    let client = try RawClient(other)
    let asked = Clock.now()
    try server.startRequest("/delay/8", client)
    try server.stop()
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(8))
    _ = try server.run.exit()
    let ports = try server.sampleWithPorts()["ports"] as? [Int]
    #expect(ports == [server.port, other].sorted())
  }

  // MARK: --ports

  @Test func `--ports limits the drain to the named port, even if no socket listens there`() throws {
    let nobodys = try Client.freePort()
    for names in [nobodys, nil] {
      let second = try Client.freePort()
      let script = "\(Binaries.testApp) serve \(second) & \(Binaries.testApp) serve 0; :"
      let options = short + ["--grace", "1s", "--group", "--ports", "\(names ?? second)"]
      let server = try ServedApp(options, command: ["/bin/sh", "-c", script])
      try server.run.line("listening")
      let first = try server.run.out.lines.map { Int(try $0.number("port")) }.first { $0 != second }
      let client = try RawClient(try #require(first))
      client.ask("/delay/20")
      let sent = try server.stop()
      #expect(try server.timeToStopSignal(after: sent) < .seconds(18))
      #expect(try server.run.event("exited")["drain_ended_by"] as? String == "quiet", "\(server.run)")
      #expect(try server.sampleWithPorts()["ports"] as? [Int] == [names ?? second])
      try server.run.end()
      _ = client
    }
  }

  @Test func `ebb's health port is not counted even if --ports names it`() throws {
    let (health, port) = (try Client.freePort(), try Client.freePort())
    let options = short + ["--health", "\(health)", "--ports", "\(port),\(health)"]
    let server = try ServedApp(options, command: testApp("serve", "\(port)"))
    let asks = "while curl -s -o /dev/null http://127.0.0.1:\(health)/livez; do echo asked; sleep 0.1; done"
    let probes = try Run.program(["/bin/sh", "-c", asks])
    try probes.line("asked")
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report["connections_after_stop"] == 0, "\(report)")
    #expect(try server.sampleWithPorts()["ports"] as? [Int] == [port])
    try probes.expect(.code(0))
  }

  // MARK: No TCP

  /// Such an app may be a queue consumer, a tunnel or a shell loop.
  @Test(arguments: [true, false])
  func `a delay set by flag or variable is kept for an app that never listened`(isFlag: Bool) throws {
    var setup = LaunchOptions.withTraffic
    if !isFlag { setup.environment["EBB_DELAY"] = "2s" }
    let loop = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    let options = ["--log", "json"] + (isFlag ? ["--delay", "2s"] : [])
    let run = try Run.ready(options, ["/bin/sh", "-c", loop], in: .subreaper, setup)
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(2))
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.text("delay_ended_by") == "time" && report.drainEndedBy == "skipped", "\(report)")
    let messages = try run.records().compactMap { $0["msg"] as? String }
    #expect(messages.first == "stopping: the command keeps serving for 2s, SIGKILL in 29s at the latest")
    #expect(!messages.contains { $0.contains("no delay") }, "\(run)")
  }

  @Test(arguments: PIDRole.possible)
  func `an app that never listened gets SIGTERM immediately if no delay is set`(place: PIDRole) throws {
    let run = try Run.ready(["--log", "json", "-t", "600s"], testApp("signals"), in: place, .withTraffic)
    try run.stop(.code(0))
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "skipped" && report.text("delay_ended_by") == "skipped", "\(report)")
    #expect(!(try run.records()).contains { $0["level"] as? String == "warning" }, "\(report)")
  }

  @Test func `an app that listens only on a UNIX socket gets the delay without a drain`() throws {
    let path = try TestResources.folder() + "/socket"
    try expectNoDrain(try ServedApp(["--delay", "1s"], ["--unix", path]))
  }
}

/// Checks that an app whose clients cannot be counted gets the delay and no drain.
private func expectNoDrain(_ server: ServedApp) throws {
  let sent = try server.stop()
  #expect(try server.timeToStopSignal(after: sent) >= .seconds(1))
  let report = try server.report()
  #expect(report.drainEndedBy == "skipped" && report.text("delay_ended_by") == "time", "\(report)")
  let lines = server.run.events("connections").filter {
    ($0["msg"] as? String)?.contains("UDP or UNIX sockets") == true
  }
  #expect(lines.count == 1 && lines[0]["level"] as? String == "warning", "\(report)")
}

/// Apps in other network namespaces.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.pidNamespace), .needs(.program("nsenter")))
struct DrainNamespaceTests {
  private let launch = "\(Binaries.testApp) launch --network-namespace -- \(Binaries.testApp) serve 0"

  @Test(.needs(.program("curl")))
  func `a server in another network namespace does not hold the drain`() throws {
    let script = "\(launch) & exec \(Binaries.testApp) serve 0"
    let options = ["--delay", "200ms", "--drain-quiet", "300ms", "--drain-timeout", "20s"]
    let server = try ServedApp(options, command: ["/bin/sh", "-c", script])
    try server.run.line("listening")
    let lines = server.run.out.lines
    let stranger = try #require(try lines.first { try $0.number("pid") != server.run.command() })
    let stream = try server.ask("/stream/100", in: try stranger.number("pid"), port: Int(try stranger.number("port")))
    try stream.line("tick")
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) < .seconds(18))
    #expect(try server.run.event("exited")["drain_ended_by"] as? String == "quiet", "\(server.run)")
    let own = try #require(lines.first { $0 != stranger }).number("port")
    #expect(try server.sampleWithPorts()["ports"] as? [Int] == [Int(own)])
  }

  @Test func `the drain lasts until its timeout if the app is in another network namespace`() throws {
    let options = ["--delay", "200ms", "--drain-timeout", "1500ms"]
    let server = try ServedApp(options, command: ["/bin/sh", "-c", "exec \(launch)"])
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(1700))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_stop") == nil, "\(report)")
    #expect(server.run.events("connections").first?["level"] as? String == "warning", "\(report)")
  }

  @Test(.needs(.program("curl")))
  func `ebb and its app in a new network namespace drain by quiet`() throws {
    let options = ["--delay", "200ms", "--drain-quiet", "300ms", "--drain-timeout", "20s"]
    let server = try ServedApp(options, launch: ["--network-namespace"])
    let request = try server.ask("/delay/8")
    try server.expectRequest()
    try server.stop()
    try request.expect(.code(0))
    #expect(request.out.lines == ["ok"])
    #expect(try server.report().drainEndedBy == "quiet")
  }

  @Test(arguments: ["5353", "45678"])
  func `an app with only a UDP socket gets the delay without a drain`(port: String) throws {
    let server = try ServedApp(
      ["--delay", "1s"], command: testApp("serve", port, "--udp"), launch: ["--network-namespace"])
    try expectNoDrain(server)
  }
}
