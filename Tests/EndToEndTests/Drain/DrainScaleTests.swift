import Foundation
import TestSupport
import Testing

/// The cost of many connections before and during a stop.
@Suite(.endsItsProcesses, .mostlyWaits)
struct DrainScaleTests {
  @Test func `traffic before a stop causes no context switch in ebb`() throws {
    let server = try ServedApp()
    let pool = try Run.program(testApp("connect", "\(server.port)", "1000"))
    try pool.line("connected")
    // The check one second after the start takes long among so many sockets.
    _ = try Proc.settle(server.run.pid)
    try server.run.wait(for: "the end of the check") {
      !Proc.descriptors(of: server.run.pid).values.contains { $0.hasPrefix("socket:") }
    }
    let last = try Proc.settle(server.run.pid)
    let descriptors = Proc.descriptors(of: server.run.pid)
    let scraper = try Run.program(testApp("scrape", "\(server.port)", "100"))
    // Not a wait for a condition: the time over which context switches are counted.
    sleep(3)
    try scraper.line("scraped")
    #expect(Proc.contextSwitches(of: server.run.pid) == last)
    #expect(Proc.descriptors(of: server.run.pid) == descriptors)
    #expect(!descriptors.values.contains { $0.hasPrefix("socket:") })
  }

  @Test func `counting 0 or 1000 connections opens at most 4 descriptors`() throws {
    var opened: [Int] = []
    for count in [0, 1000] {
      let server = try ServedApp(["--delay", "20s", "--drain", "time"])
      if count > 0 { try Run.program(testApp("connect", "\(server.port)", "\(count)")).line("connected") }
      _ = try Proc.settle(server.run.pid)
      let before = Proc.descriptors(of: server.run.pid).count
      try server.stop()
      try server.run.event("connections")
      var most = 0
      for _ in 0..<100 {
        most = max(most, Proc.descriptors(of: server.run.pid).count)
        usleep(10_000)  // not a wait for a condition: the maximum of one second
      }
      opened.append(most - before)
    }
    // The netlink socket, the monitor of closed sockets, and a file of /proc that is being read.
    #expect(opened.allSatisfy { $0 <= 4 }, "\(opened)")
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `signals are forwarded while ebb counts 10 000 connections`() throws {
    // In a new network namespace, because other tests open connections too.
    let options = ["--delay", "12s", "--drain-quiet", "1s"]
    let server = try ServedApp(options, launch: ["--network-namespace"])
    let pool = try Run.program(
      testApp("connect", "\(server.port)", "10000"), inNetworkOf: try server.run.command())
    try pool.wait(for: "ten thousand", limit: .seconds(300)) { pool.out.next("connected") != nil }
    let sent = try server.stop()
    let first = try server.sampleWithPorts()
    #expect((first["busy"] as? Int ?? 0) + (first["idle"] as? Int ?? 0) == 10_000, "\(first)")
    for _ in 0..<50 {
      let already = server.run.signals.count
      try server.run.send(.sigusr1)
      try server.run.wait(for: "the signal") { server.run.signals.count > already }
      usleep(10_000)  // not a wait for a condition: spreads the signals over several passes
    }
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(12))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report["connections_after_stop"] == 0, "\(report)")
    let draining = try #require(server.run.events("draining").first)
    #expect(draining["idle"] as? Int == 10_000 && draining["busy"] as? Int == 0, "\(draining)")
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")), .needs(.strace))
  func `signals and the drain timeout do not wait for the end of a slow sample`() throws {
    let options = ["--delay", "6s", "--drain-timeout", "4s"]
    let server = try ServedApp(options, ["--ignore-term"], launch: ["--network-namespace"])
    let pool = try Run.program(testApp("connect", "\(server.port)", "6000"), inNetworkOf: try server.run.command())
    try pool.line("connected")
    let sent = try server.stop()
    try server.run.event("connections")
    // The kernel returns about 80 connections per call, so a pass that starts during the delay takes at least 15 s.
    let tracer = try server.run.inject("recvfrom:delay_exit=200000")
    try server.run.event("draining")
    try server.run.deliver(.sigusr1)
    #expect(server.run.signals.count == 1, "the drain ended before")
    let delay = try server.timeToStopSignal(after: sent)
    #expect(delay >= .seconds(10))
    #expect(delay < .seconds(15))
    try tracer.detach()
    kill(try server.run.command(), SIGKILL)
    #expect(try server.report(.code(137)).drainEndedBy == "bound")
  }
}
