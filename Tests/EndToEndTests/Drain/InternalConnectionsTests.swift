import Foundation
import TestSupport
import Testing

/// Programs of one container that are connected to each other. Only clients from outside count as traffic.
@Suite(.endsItsProcesses, .mostlyWaits)
struct InternalConnectionsTests {
  private let options = [
    "--delay", "1s", "-t", "60s", "--drain-quiet", "1s", "--grace", "3s", "--leftover-timeout", "30s",
  ]

  /// Starts a command under ebb in a new network namespace.
  private func started(_ more: [String], _ command: [String]) throws -> Run {
    let setup = LaunchOptions.withTraffic(launch: ["--network-namespace"])
    let run = try Run.ebb(["--log", "json"] + options + more, command, in: .subreaper, setup)
    try run.waitForPage(of: run.pid)
    return run
  }

  private func redis(_ port: Int, _ words: String...) -> [String] {
    [installed("redis-cli"), "-p", "\(port)"] + words
  }

  /// Waits until this number of workers wait for a job, which never arrives.
  private func waitForWorkers(_ count: Int, _ port: Int, _ run: Run) throws {
    try run.wait(for: "\(count) workers") {
      let list = try Run.program(redis(port, "CLIENT", "LIST"), inNetworkOf: run.pid)
      _ = try list.exit()
      try list.readToEnd()
      return list.out.lines.count(where: { $0.contains("cmd=blpop") }) == count
    }
  }

  /// Starts redis and its workers under one shell. The second `wait` keeps the shell running until redis has ended.
  private func redisUnderAShell(_ port: Int, workers: Int) throws -> Run {
    let script = """
      redis-server --port \(port) --save '' --logfile /dev/null & redis=$!
      trap 'kill $redis' TERM
      for worker in $(seq \(workers)); do
        (until redis-cli -p \(port) BLPOP jobs 0; do kill -0 $redis || exit; sleep 0.1; done) 2> /dev/null &
      done
      wait $redis; wait $redis
      """
    return try started(["--drain-timeout", "30s"], ["/bin/sh", "-c", script])
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")), .needs(.program("redis-server")))
  func `connections between redis and its workers under one shell do not hold the drain`() throws {
    let port = try Client.freePort()
    let run = try redisUnderAShell(port, workers: 3)
    try waitForWorkers(3, port, run)
    let connections = try run.connections()
    #expect(connections["ports"] as? [Int] == [port], "\(connections)")
    #expect(connections["busy"] as? Int == 0 && connections["idle"] as? Int == 0, "\(connections)")
    #expect((connections["list"] as? [Any])?.isEmpty == true, "\(connections)")
    let drain = try Run.program(
      [Binaries.ebb(), "drain", "--pid", "\(run.pid)", "--delay", "0", "--drain-quiet", "300ms"], inNetworkOf: run.pid)
    try drain.expect(.code(0))
    #expect(drain.out.lines.last?.contains(" (quiet): 0 busy, 0 idle, port \(port), ") == true, "\(drain)")
    try run.send(.sigterm)
    _ = try run.exit()
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "quiet", "\(report)")
    #expect(report.inFlight("at_stop") == 0 && report.inFlight("at_forward") == 0, "\(report)")
    #expect(report["connections_after_stop"] == 0 && report.values["advice"] is NSNull, "\(report)")
    #expect(!(try run.records()).contains { $0["level"] as? String == "warning" }, "\(report)")
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")), .needs(.program("redis-server")))
  func `a worker outside the command's process tree holds the drain`() throws {
    let port = try Client.freePort()
    let run = try redisUnderAShell(port, workers: 1)
    try waitForWorkers(1, port, run)
    let worker = try Run.program(redis(port, "BLPOP", "jobs", "0"), inNetworkOf: run.pid)
    try waitForWorkers(2, port, run)
    #expect((try run.connections()["list"] as? [Any])?.count == 1)
    try run.send(.sigterm)
    // Not a wait for a condition: the time in which nothing may happen.
    sleep(5)
    #expect(run.poll() == nil)
    #expect(worker.poll() == nil)
    kill(worker.pid, SIGKILL)
    _ = try run.exit()
    let report = try FinalReport(run)
    #expect(report.drainEndedBy == "quiet", "\(report)")
    #expect(report.inFlight("at_stop") == 1 && report.inFlight("at_forward") == 0, "\(report)")
    #expect(report["drain_ms"].map { $0 >= 3000 } == true, "\(report)")
  }

  /// The proxy's connection to the app does not count, its client's connection does.
  @Test(.needs(.pidNamespace), .needs(.program("nsenter")), .needs(.program("nginx")), .needs(.program("curl")))
  func `a proxy and its app under one ebb finish a client's request before SIGTERM is forwarded`() throws {
    let (folder, port, appPort) = (try TestResources.folder(), try Client.freePort(), try Client.freePort())
    let proxy = "server { listen 127.0.0.1:\(port); location / { proxy_pass http://127.0.0.1:\(appPort); } }"
    let nginx = try makeNginx(folder, http: proxy).joined(separator: " ")
    let script = "\(Binaries.testApp) serve \(appPort) & exec \(nginx)"
    let all = options + ["-r", "TERM:QUIT", "--drain-timeout", "30s"]
    let server = try ServedApp(all, command: ["/bin/sh", "-c", script], launch: ["--network-namespace"])
    try server.run.wait(for: "the proxy") { try server.ask("/", port: port).exit() == .code(0) }
    let request = try server.ask("/delay/8", port: port)
    #expect(try server.waitForClass("owed-response")["owed-response"] == 1)
    try server.stop()
    try request.expect(.code(0))
    #expect(request.out.lines == ["ok"])
    _ = try server.run.exit()
    let report = try FinalReport(server.run)
    #expect(report.drainEndedBy == "quiet", "\(report)")
    #expect(report.inFlight("at_stop") == 1 && report.inFlight("at_forward") == 0, "\(report)")
  }
}
