import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// The traffic of a stop in the final report, in the log and in `ebb status`.
@Suite struct TrafficReportTests {
  @Test func `the report counts the requests in flight at the kill by a final sample`() {
    var scenario = Scenario.counting { $0.drain = .time }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample()))
    scenario.at(5000, .timer)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.wakeUp == 28_750)
    #expect(scenario.at(28_750, .timer) == [.count(lookForListeners: true)])
    scenario.at(28_751, .sampled(sample(connection(sent: 9000, received: 0), connection(sent: 9000, received: 0))))
    #expect(scenario.wakeUp == 29_000)
    scenario.at(29_000, .timer)
    scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 29_001)
    #expect(scenario.report.contains(#""in_flight":{"at_stop":0,"at_forward":0,"at_kill":2}"#))
    // They may have arrived at any time since the forwarding.
    #expect(scenario.report.contains(#""connections_after_stop":0,"last_connection_ms":null"#))
  }

  @Test(arguments: [
    (delay: 5, last: 8400, "the last connection arrived at +8.4s, the delay is 5s: use --delay 11s"),
    (delay: 5, last: 4500, "the last connection arrived at +4.5s, the delay is 5s: use --delay 6s"),
    (delay: 5, last: 5000, "the last connection arrived at +5.0s, the delay is 5s: use --delay 7s"),
    (delay: 5, last: 4000, nil), (delay: 5, last: 3900, nil), (delay: 5, last: 1300, nil),
    (delay: 20, last: 600, "the last connection arrived at +0.6s, the delay is 20s: --delay 1s is enough"),
    (delay: 20, last: 4900, "the last connection arrived at +4.9s, the delay is 20s: --delay 7s is enough"),
    (delay: 20, last: 5000, nil), (delay: 2, last: 100, nil),
    (delay: 4, last: 999, "the last connection arrived at +1.0s, the delay is 4s: --delay 2s is enough"),
  ])
  func `the report advises a delay a third longer than the last connection took`(delay: Int, last: Int, advice: String?)
  {
    var traffic = TrafficMonitor(mode: .idle, quiet: .seconds(2), since: .at(0))
    traffic.add(sample(), at: .at(1))
    #expect(traffic.report.advice(delay: .seconds(delay)) == nil)
    traffic.add(sample(connection(sent: 5, received: 0)), at: .at(last))
    var report = traffic.report
    report.wasSteady = false
    #expect(report.advice(delay: .seconds(delay)) == advice)
  }

  private let steady =
    "connections arrived without a pause until the stop signal was forwarded: routing takes longer than that, or a steady "
    + "client or a probe asks the app's port, which no delay outlasts; put probes on --health, or use ebb probe"

  /// With a longer delay the next report would advise an even longer one.
  @Test(arguments: [5, 14, 19])
  func `the report advises no longer delay if connections come without a pause`(_ delay: Int) {
    var scenario = Scenario.counting { ($0.delay, $0.drainTimeout) = (.seconds(delay), .seconds(5)) }
    let forwarded = scenario.drain { now in
      let age = now % 1000
      return sample(connection(sent: age, received: age), closed: now / 1000)
    }
    #expect(forwarded == (delay + 5) * 1000)
    scenario.exit(at: (delay + 5) * 1000)
    #expect(scenario.report.contains(#""drain_ended_by":"bound""#))
    #expect(scenario.report.contains(#""advice":"\#(steady)""#))
  }

  /// Routing needs that long to forget an instance, so the next delay must be longer.
  @Test func `the report advises a longer delay if connections end before the forwarding`() {
    var scenario = Scenario.counting { $0.delay = .seconds(2) }
    _ = scenario.drain { now in
      let last = min(now - now % 1000, 4000)
      return sample(connection(sent: now - last, received: now - last), closed: last / 1000)
    }
    scenario.exit(at: 9000)
    #expect(
      scenario.report.contains(#""advice":"the last connection arrived at +4.0s, the delay is 2s: use --delay 6s""#))
  }

  @Test func `no delay is advised before it is known whether connections end`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample()))
    scenario.at(4800, .timer)
    scenario.at(4800, .sampled(sample(connection(sent: 0, received: 0))))
    #expect(scenario.lifecycle.trafficReport.advice(delay: .seconds(5)) == nil)
  }

  // MARK: The log

  @Test func `the log names the source of the counts each time it changes`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    var now = 0
    for source in [ConnectionSource.proc, .proc, .procStates, .procStates] {
      var pass = sample()
      pass.source = source
      scenario.at(now, .sampled(pass))
      now += 250
      scenario.at(now, .timer)
    }
    let lines = scenario.records.filter { $0.event == "connections" }.map { $0.json }
    #expect(lines.count == 2)
    #expect(lines.first?.contains(#""source":"proc","#) == true)
    #expect(lines.last?.contains(#""source":"proc-states""#) == true)
  }

  @Test func `the log distinguishes a command that closed its listening sockets from one that never had any`() {
    var scenario = Scenario.counting { $0.readyTCP = 80 }
    scenario.at(0, .timer)
    scenario.at(0, .probeSucceeded)
    #expect(scenario.drain { _ in sample(listeners: .none) } == 5000)
    #expect(scenario.line("connections")?.contains("waiting only for the delay") == true)
    var never = Scenario.counting()
    #expect(never.drain { _ in sample(listeners: .none) } == 0)
    #expect(never.line("connections")?.contains("skipping delay and drain") == true)
  }

  // MARK: ebb status

  /// Three requests in flight at the stop signal and at the forwarding; the last request arrives at +4.6 s.
  @Test func `ebb status shows the traffic of a stop that has forwarded its signal`() throws {
    var scenario = Scenario.counting { $0.drainTimeout = .seconds(1) }
    let owed = connection(sent: 9000, received: 8000)
    let forwarded = scenario.drain { now in
      now < 4600 ? sample(owed, owed, owed) : sample(owed, owed, connection(sent: 9000, received: now - 4600))
    }
    #expect(forwarded == 6000)
    let status = Status(info: Status.example.info, snapshot: scenario.lifecycle.snapshot)
    let text = status.text(pid: 1, processes: [], at: .at(7000))
    #expect(
      text.contains(
        """
        traffic   in flight: 3 at the stop signal, 3 when the signal was forwarded
                  new connections: 0; last request at +4.6s
                  drain ended by: bound

        """))
    let json = String(decoding: status.json(pid: 1, processes: [], at: .at(7000)), as: UTF8.self)
    #expect(
      json.contains(
        #""drain_ended_by":"bound","in_flight":{"at_stop":3,"at_forward":3},"connections_after_stop":0,"#
          + #""last_connection_ms":null,"last_request_ms":4600,"advice":null}"#))
  }

  @Test func `ebb status shows the advice once the stop signal was forwarded`() {
    var scenario = Scenario.counting()
    _ = scenario.drain { now in
      now < 4600 ? sample() : sample(connection(sent: now - 4600, received: now - 4600))
    }
    let status = Status(info: Status.example.info, snapshot: scenario.lifecycle.snapshot)
    let text = status.text(pid: 1, processes: [], at: .at(7000))
    #expect(text.contains("new connections: 1, the last at +4.6s; last request at +4.6s\n"))
    #expect(text.contains("          the last connection arrived at +4.6s, the delay is 5s: use --delay 6s\n"))
    let json = String(decoding: status.json(pid: 1, processes: [], at: .at(7000)), as: UTF8.self)
    #expect(json.contains(#""advice":"the last connection arrived at +4.6s, the delay is 5s: use --delay 6s""#))
  }

  @Test func `ebb status shows no traffic of a stop that has not sampled yet`() {
    let text = Status.example.text(pid: 1, processes: [], at: .at(81_200))
    #expect(text.contains("stop "))
    #expect(!text.contains("traffic"))
  }

  @Test func `the status page keeps every field of the traffic report`() throws {
    var status = Status.example
    for ending in DrainEndReason.allCases.map({ Optional($0) }) + [nil] {
      status.snapshot.stop?.traffic.drainEndedBy = ending
      #expect(try StatusPage.decode(StatusPage.page(status)).snapshot == status.snapshot)
      status.snapshot.stop?.traffic.inFlightAtStop = 3
      status.snapshot.stop?.traffic.inFlightAtForward = 0
      status.snapshot.stop?.traffic.newConnections = 70_000
      status.snapshot.stop?.traffic.lastConnection = .milliseconds(8400)
      status.snapshot.stop?.traffic.lastRequest = .milliseconds(90_000)
      status.snapshot.stop?.traffic.hasGaps.toggle()
      let wasSteady = status.snapshot.stop?.traffic.wasSteady ?? false
      status.snapshot.stop?.traffic.wasSteady = !wasSteady
    }
    let slot = StatusPage.slot(status.snapshot, sequence: 1)
    #expect(StatusPage.slotOffset(sequence: 1) + slot.count <= StatusPage.countsOffset)
    // With the most ports that a slot has room for.
    status.snapshot.connections = .init(
      source: .diagWithInfo, ports: [UInt16](1...16), counts: [Int](repeating: 7, count: 9))
    #expect(StatusPage.slot(status.snapshot, sequence: 1).count == slot.count)
    #expect(try StatusPage.decode(StatusPage.page(status)).snapshot == status.snapshot)
  }
}
