import Foundation
import TestSupport
import Testing

/// Real servers with real clients: no request fails during delay and drain.
@Suite(.endsItsProcesses, .mostlyWaits)
struct DrainServerTests {
  /// Starts a server whose port is discovered. It runs in a new network namespace, because thousands of connections per
  /// second would otherwise use up the ports of all tests.
  private func started(_ options: [String], _ command: [String], _ port: Int, folder: String) throws -> Run {
    let setup = LaunchOptions.withTraffic(launch: ["--network-namespace", "--cwd", folder])
    let all = [
      "--log", "json", "--delay", "1s", "-t", "60s", "--drain-quiet", "3s", "--drain-timeout", "40s", "--grace", "3s",
    ]
    let run = try Run.ebb(all + options, command, in: .subreaper, setup)
    let question = [installed("curl"), "-q", "-s", "-o", "/dev/null", "http://127.0.0.1:\(port)/"]
    try run.wait(for: "the server") { try Run.program(question, inNetworkOf: run.pid).exit() == .code(0) }
    return run
  }

  /// Stops the server while the client sends requests, and checks them and the report.
  private func throughAStop(of run: Run, _ client: Run, requests: () throws -> Void) throws {
    let before = try receivedSegments(run)
    try run.wait(for: "requests before the stop") { try receivedSegments(run) > before + 10 }
    let sent = try run.send(.sigterm)
    _ = try client.exit()
    let end = Clock.now()
    try requests()
    #expect(end - sent >= .seconds(2), "the clients ended too early to prove anything")
    _ = try run.exit()
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "quiet", "\(report)")
    #expect(report["last_request_ms"].map { $0 >= 1000 } == true, "\(report)")
    #expect(report["drain_ms"].map { $0 >= 1000 } == true, "\(report)")
    #expect(report.inFlight("at_forward") == 0, "\(report)")
    #expect(!(try run.records()).contains { $0["level"] as? String == "warning" }, "\(report)")
  }

  /// Returns the number of TCP segments that have arrived in the network namespace of a process.
  private func receivedSegments(_ run: Run) throws -> Int {
    let lines = try readFile("/proc/\(run.pid)/net/snmp").split(separator: "\n").filter { $0.hasPrefix("Tcp: ") }
    let fields = lines.map { $0.split(separator: " ") }
    let column = try #require(fields.first?.firstIndex(of: "InSegs"))
    return try #require(fields.last.flatMap { Int($0[column]) })
  }

  /// Sends 50 requests, 10 per second, on one connection if the server allows it.
  private func curl(_ port: Int, _ server: Run) throws -> Run {
    let format = "%{http_code} %{num_connects}\\n"
    let url = "http://127.0.0.1:\(port)/?[1-50]"
    let curl = [installed("curl"), "-q", "-s", "-o", "/dev/null", "--rate", "10/s", "-w", format, url]
    return try Run.program(curl, inNetworkOf: server.pid)
  }

  private func expectAnswers(_ client: Run, reused: Bool) throws {
    #expect(client.out.lines.count == 50 && client.out.lines.allSatisfy { $0.hasPrefix("200 ") }, "\(client)")
    let connections = client.out.lines.filter { $0 == "200 1" }.count
    #expect(reused ? connections == 1 : connections == 50, "\(client)")
  }

  /// Sends requests for 4 s, one after the other on each of 8 connections.
  private func wrk(_ port: Int, _ server: Run) throws -> Run {
    let wrk = [installed("wrk"), "-t1", "-c8", "-d4s", "--timeout", "30s", "http://127.0.0.1:\(port)/"]
    return try Run.program(wrk, inNetworkOf: server.pid)
  }

  private func expectNoErrors(_ client: Run) throws {
    try client.expect(.code(0))
    #expect(client.out.text.contains(" requests in "), "\(client)")
    #expect(!client.out.text.contains("Socket errors") && !client.out.text.contains("Non-2xx"), "\(client)")
  }

  // MARK: Servers

  enum Load: String, CaseIterable { case curl, wrk }

  @Test(
    .needs(.pidNamespace), .needs(.program("nginx")), .needs(.program("curl")), .needs(.program("wrk")),
    arguments: Load.allCases)
  func `nginx under ebb answers every request during delay and drain`(load: Load) throws {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    let server = "server { listen 127.0.0.1:\(port); location / { return 200 \"ok\\n\"; } }"
    let nginx = try makeNginx(folder, http: "keepalive_requests 10000000; \(server)", workers: 2)
    let run = try started(["-r", "TERM:QUIT"], nginx, port, folder: folder)
    try expectNoFailure(run, port, load, reuses: true)
    #expect(try FinalReport(run)["code"] == 0)
  }

  @Test(
    .needs(.pidNamespace), .needs(.program("haproxy")), .needs(.program("curl")), .needs(.program("wrk")),
    arguments: Load.allCases)
  func `haproxy under ebb answers every request during delay and drain`(load: Load) throws {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    let rules = "http-request return status 200 content-type text/plain string ok"
    let haproxy = try makeHaproxy(folder, port, rules: rules)
    let run = try started(["-r", "TERM:USR1"], haproxy, port, folder: folder)
    try expectNoFailure(run, port, load, reuses: true)
    #expect(try FinalReport(run)["code"] == 0)
  }

  /// One connection for each request. The kernel reports thousands of closes up to 1 s late, also to other tests.
  @Test(
    .needs(.pidNamespace), .needs(.program("python3")), .needs(.program("curl")), .needs(.program("wrk")),
    arguments: Load.allCases)
  func `Python's http.server without a SIGTERM handler answers every request during delay and drain`(load: Load) throws
  {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    try "ok\n".write(toFile: folder + "/index.html", atomically: true, encoding: .utf8)
    let python = [installed("python3"), "-m", "http.server", "--bind", "127.0.0.1", "\(port)"]
    // Its log must not mix with ebb's.
    let command = ["/bin/sh", "-c", "exec \(python.joined(separator: " ")) 2> /dev/null"]
    let run = try started([], command, port, folder: folder)
    try expectNoFailure(run, port, load, reuses: false)
    #expect(try FinalReport(run)["code"] == 143)
  }

  private func expectNoFailure(_ run: Run, _ port: Int, _ load: Load, reuses: Bool) throws {
    switch load {
    case .curl:
      let client = try curl(port, run)
      try throughAStop(of: run, client) { try expectAnswers(client, reused: reuses) }
    case .wrk:
      let client = try wrk(port, run)
      try throughAStop(of: run, client) { try expectNoErrors(client) }
    }
  }
}
