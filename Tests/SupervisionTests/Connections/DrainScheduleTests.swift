import LifecycleModel
import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

@Suite struct DrainTests {
  /// The request arrived in the same kernel clock tick as its connection.
  @Test func `equal ages are not a response if no byte was ever sent`() {
    for age in [0, 1000, 60_000] {
      #expect(connection(sent: age, received: age, answered: 0).class(quiet: .seconds(2)) == .owedResponse)
      #expect(connection(sent: age, received: age, bytes: 0, answered: 0).class(quiet: .seconds(2)) != .owedResponse)
      #expect(connection(sent: age, received: age).class(quiet: .zero) == .idle)
    }
  }

  @Test func `a command without traffic gets the stop signal at the end of the delay`() {
    var scenario = Scenario.counting()
    #expect(scenario.drain { _ in sample() } == 5000)
    scenario.exit(at: 5001)
    #expect(scenario.report.contains(#""drain_ms":0,"drain_ended_by":"quiet""#))
    #expect(scenario.report.contains(#""in_flight":{"at_stop":0,"at_forward":0,"at_kill":null}"#))
    #expect(scenario.report.contains(#""connections_after_stop":0,"last_connection_ms":null"#))
  }

  @Test(arguments: [0, 500]) func `the drain waits for the quiet time if the delay is shorter`(_ delay: Int) {
    var scenario = Scenario.counting { $0.delay = .milliseconds(delay) }
    #expect(scenario.drain { _ in sample() } == 2000)
  }

  @Test func `idle connections do not prolong the drain`() {
    var scenario = Scenario.counting()
    #expect(scenario.drain { now in sample(connection(sent: 9000 + now, received: 9001 + now)) } == 5000)
  }

  @Test func `the drain waits for the response to a request in flight`() {
    var scenario = Scenario.counting { $0.delay = .seconds(1) }
    // It arrives half a second before the stop signal, and its response is sent 7.1 s after it.
    let ended = scenario.drain { now in
      sample(
        now < 7100
          ? connection(sent: 3000 + now, received: 500 + now) : connection(sent: now - 7100, received: 500 + now))
    }
    // The drain ends once the stream counts as quiet, because the response may continue.
    #expect(ended == 9250)
    scenario.exit(at: 9300)
    #expect(scenario.report.contains(#""drain_ended_by":"quiet""#))
    #expect(scenario.report.contains(#""in_flight":{"at_stop":1,"at_forward":0,"at_kill":null}"#))
  }

  @Test func `--drain-timeout ends a drain with a request in flight`() {
    var scenario = Scenario.counting()
    #expect(scenario.drain { now in sample(connection(sent: 9000, received: 0)) } == 15_000)
    scenario.exit(at: 15_001)
    #expect(scenario.report.contains(#""drain_ms":10000,"drain_ended_by":"bound""#))
    #expect(scenario.report.contains(#""at_forward":1"#))
  }

  @Test func `mode zero ends the drain when no connection is open`() {
    var scenario = Scenario.counting { $0.drain = .zero }
    #expect(scenario.drain { now in now < 8000 ? sample(connection(sent: 9000, received: 9001)) : sample() } == 8000)
    scenario.exit(at: 8001)
    #expect(scenario.report.contains(#""drain_ended_by":"zero""#))
  }

  /// The client has closed its side and got its response, and the command has not closed the socket.
  @Test func `mode zero waits for a half-closed connection only if a response is owed`() {
    var scenario = Scenario.counting { $0.drain = .zero }
    let owed = connection(.closeWait, sent: 9000, received: 0)
    #expect(scenario.drain { now in now < 8000 ? sample(owed) : sample() } == 8000)
    scenario = Scenario.counting { $0.drain = .zero }
    let answered = connection(.closeWait, sent: 9000, received: 9001)
    #expect(scenario.drain { _ in sample(answered) } == 5000)
  }

  @Test func `mode time forwards the stop signal after the delay, and still counts for the report`() {
    var scenario = Scenario.counting { $0.drain = .time }
    #expect(scenario.drain { now in sample(connection(sent: 9000, received: 0)) } == 5000)
    scenario.exit(at: 5001)
    #expect(scenario.report.contains(#""drain_ms":0,"drain_ended_by":null"#))
    #expect(scenario.report.contains(#""at_forward":1"#))
  }

  @Test func `the delay is kept when the command listened earlier`() {
    var late = Scenario.counting()
    #expect(late.drain { now in sample(listeners: now == 0 ? .unknown : .none) } == 5000)
    var wasReady = Scenario.counting { $0.readyTCP = 80 }
    wasReady.at(0, .timer)
    wasReady.at(0, .probeSucceeded)
    #expect(wasReady.drain { _ in sample(listeners: .none) } == 5000)
  }

  @Test func `a drain whose connections cannot be counted lasts until its timeout, one of UDP sockets is skipped`() {
    var none = Scenario.counting()
    #expect(none.drain { _ in ConnectionSample(source: .none, listeners: .unknown) } == 15_000)
    var unknown = Scenario.counting()
    #expect(unknown.drain { _ in sample(listeners: .unknown) } == 15_000)
    #expect(unknown.records.contains { $0.event == "connections" && $0.level == .warning })
    var udp = Scenario.counting()
    #expect(udp.drain { _ in sample(listeners: .uncountable) } == 5000)
    udp.exit(at: 5001)
    #expect(udp.report.contains(#""drain_ended_by":"skipped""#))
  }

  @Test func `a failed count is never taken for zero connections`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    for second in stride(from: 0, to: 15, by: 1) {
      #expect(scenario.lifecycle.phase < .stopping)
      #expect(!scenario.at(second * 1000, .countFailed("sock_diag: Cannot allocate memory")).contains(stopCommand[0]))
      scenario.at(second * 1000 + 999, .timer)
      scenario.at(second * 1000 + 1000, .timer)
    }
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.count("count-failed") == 1)
    scenario.exit(at: 16_000)
    #expect(scenario.report.contains(#""drain_ended_by":"bound""#))
    #expect(scenario.report.contains(#""at_stop":null,"at_forward":null"#))
  }

  @Test func `the first sample after failed counts ends the drain if it is quiet`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .countFailed("gone"))
    #expect(scenario.at(1000, .timer) == [.count(lookForListeners: true)])
    scenario.at(1000, .sampled(sample()))
    #expect(scenario.at(5000, .timer).contains { if case .count = $0 { true } else { false } })
    #expect(scenario.at(5001, .sampled(sample())) == stopCommand)
  }

  @Test func `a pass that began before the delay ended is repeated for the drain`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(5000, .timer) == [.count(lookForListeners: true)])
    #expect(scenario.lifecycle.phase == .draining)
  }

  @Test func `connections that came and went between two samples are counted as new`() {
    var scenario = Scenario.counting()
    _ = scenario.drain { now in
      // Two pooled ones; from 3.4 s on a third, after ten more have come and gone.
      var pass = sample(connection(sent: 9000, received: 9001), connection(sent: 9000, received: 9001))
      guard now >= 3400 else { return pass }
      pass.closed = 10
      pass.counts.add(connection(sent: now - 3400, received: now - 3400), quiet: .seconds(2))
      return pass
    }
    scenario.exit(at: 6000)
    #expect(scenario.report.contains(#""connections_after_stop":11,"last_connection_ms":3400,"last_request_ms":3400"#))
    #expect(scenario.report.contains(#""advice":null"#))
  }

  @Test func `connections of a port that is discovered late are not counted as new`() {
    var scenario = Scenario.counting()
    _ = scenario.drain { now in
      var pass = sample(connection(sent: 9000, received: 9001))
      guard now >= 2000 else { return pass }
      pass.ports = [80, 443]
      for _ in 0..<5 { pass.counts.add(connection(sent: 9000, received: 9001), quiet: .seconds(2)) }
      return pass
    }
    scenario.exit(at: 6000)
    #expect(scenario.report.contains(#""connections_after_stop":0,"last_connection_ms":null"#))
  }

  @Test func `missed close events are made up for by the PassiveOpens counter`() {
    var scenario = Scenario.counting()
    let ended = scenario.drain { now in
      var pass = sample()
      pass.missedCloses = true
      pass.passiveOpens = now < 4000 ? 100 : 130
      return pass
    }
    #expect(ended == 6000)  // the quiet time starts again
    scenario.exit(at: 6000)
    #expect(scenario.report.contains(#""connections_after_stop":30,"last_connection_ms":4000"#))
  }

  /// More were closed than one pass can receive, and the next pass gets the remaining events.
  @Test func `close events that arrive after they were reported missed are not counted twice`() {
    var scenario = Scenario.counting()
    let ended = scenario.drain { now in
      var pass = sample(closed: now < 250 ? 0 : now < 500 ? 10 : 30)
      pass.missedCloses = now == 250
      pass.passiveOpens = now < 250 ? 0 : 30
      if now == 250 || now == 500 { pass.sinceReceivedByClosed = .zero }
      return pass
    }
    #expect(ended == 5000)
    scenario.exit(at: 5000)
    #expect(scenario.report.contains(#""connections_after_stop":30,"last_connection_ms":250"#), "\(scenario.report)")
  }

  /// The client has reset it before the stop, so no pass sees it, and the command closes it later.
  @Test(arguments: [0, 2000])
  func `closing a connection the client had reset before the stop does not count as a new one`(opensFrom: Int) {
    var scenario = Scenario.counting()
    let ended = scenario.drain { now in
      var pass = sample(closed: now < 1000 ? 0 : 1)
      // Two more come and go later.
      if now >= 3000 { pass.closed = 3 }
      pass.passiveOpens = now < opensFrom ? 0 : now * 10  // the neighbours' connections
      if now == 1000 { pass.sinceReceivedByClosed = .milliseconds(1001) }
      if now == 3000 { pass.sinceReceivedByClosed = .zero }
      return pass
    }
    #expect(ended == 5000)
    scenario.exit(at: 5000)
    #expect(scenario.report.contains(#""connections_after_stop":2,"last_connection_ms":3000"#), "\(scenario.report)")
  }

  /// A busy neighbour in the network namespace must not keep the drain from ending.
  @Test func `one missed close event does not let a neighbour's connections prolong the drain`() {
    var scenario = Scenario.counting()
    let ended = scenario.drain { now in
      var pass = sample()
      pass.missedCloses = now == 1000
      pass.passiveOpens = now / 10
      // Five come and go after that, with close events.
      pass.closed = now < 4000 ? 0 : 5
      if now == 4000 { pass.sinceReceivedByClosed = .zero }
      return pass
    }
    #expect(ended == 6000)  // the quiet time starts again
    scenario.exit(at: 6000)
    #expect(scenario.report.contains(#""connections_after_stop":30,"last_connection_ms":4000"#))
  }

  /// The kernel reports them a second late, each marker too. A time without reports is not a quiet time.
  @Test func `the drain does not end before delayed close events have arrived`() {
    var scenario = Scenario.counting()
    let ended = scenario.drain { now in
      var pass = sample()
      pass.eventHorizonAge = now < 1000 ? nil : .seconds(1)
      // One a second, the last one at 8 s, which is reported at 9 s.
      let reported = max(0, now - 1000)
      pass.closed = min(8, reported / 1000)
      if reported >= 1000, reported < 9000 { pass.sinceReceivedByClosed = .milliseconds(1000 + reported % 1000) }
      return pass
    }
    #expect(ended == 11_000)
    scenario.exit(at: 12_000)
    #expect(scenario.report.contains(#""connections_after_stop":8,"last_connection_ms":8000"#), "\(scenario.report)")
  }

  @Test func `a pass 20 ms later ends the drain if only the marker's event was missing`() {
    var scenario = Scenario.counting()
    var passes: [Int] = []
    let ended = scenario.drain { now in
      var pass = sample(closed: now < 4000 ? 0 : 1)
      if now >= 4000, passes.last ?? 0 < 4000 { pass.sinceReceivedByClosed = .milliseconds(now - 4000) }
      // The event of each pass's marker arrives in the next pass.
      pass.eventHorizonAge = passes.last.map { .milliseconds(now - $0) }
      passes.append(now)
      return pass
    }
    #expect(ended == 6020)
    #expect(passes.suffix(2) == [6000, 6020])
  }

  /// A scrape each second, with pauses longer than the quiet time, at any phase and any lateness of the kernel's reports.
  @Test(arguments: [0, 10, 50, 100, 300, 450])
  func `periodic traffic in phase with the sampling interval cannot postpone the drain's end`(late: Int) {
    for phase in stride(from: 0, to: 1000, by: 50) {
      var scenario = Scenario.counting {
        $0.drainQuiet = .milliseconds(500)
        $0.delay = .milliseconds(1500)
      }
      var markers: [Int] = []
      let ended = scenario.drain { now in
        let since = (now + phase) % 1000
        var pass = sample()
        pass.counts.add(connection(sent: since, received: since), quiet: .milliseconds(500))
        let marker = markers.last { $0 + late <= now }
        pass.eventHorizonAge = marker.map { .milliseconds(now - $0) }
        if marker != nil || markers.isEmpty { markers.append(now) }  // one marker at a time
        return pass
      }
      #expect(ended ?? .max <= 2500, "phase \(phase)")
    }
  }

  /// Then a pass 20 ms later would find nothing new.
  @Test func `a drain without any close event lasts until its timeout at the usual sampling interval`() {
    var scenario = Scenario.counting()
    var passes: [Int] = []
    let ended = scenario.drain { now in
      passes.append(now)
      var pass = sample()
      pass.eventHorizonAge = nil
      return pass
    }
    #expect(ended == 15_000)
    #expect(passes.count < 70)
  }

  @Test func `a drain with missed close events and no PassiveOpens counter lasts until its timeout`() {
    var scenario = Scenario.counting()
    let ended = scenario.drain { _ in
      var pass = sample()
      pass.missedCloses = true
      return pass
    }
    #expect(ended == 15_000)
  }

  @Test func `a pass that takes more than 5 ms is repeated once a second only`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    var pass = sample()
    pass.cost = .milliseconds(6)
    scenario.at(0, .sampled(pass))
    #expect(scenario.wakeUp == 1000)
    scenario.at(1000, .timer)
    pass.cost = .milliseconds(5)
    scenario.at(1000, .sampled(pass))
    #expect(scenario.wakeUp == 1250)
  }
}

/// The delay of a command without listening sockets: a loop in a shell, a queue worker, a tunnel.
@Suite struct KeptDelayTests {
  @Test func `a default delay and the drain are skipped when the command never listened`() {
    var scenario = Scenario.counting()
    #expect(scenario.drain { _ in sample(listeners: .none) } == 0)
    #expect(scenario.line("delaying") == nil)
    #expect(scenario.line("stop-signal")?.contains(#""forward_in_ms":null"#) == true)
    #expect(scenario.line("connections")?.contains("skipping delay and drain") == true)
    scenario.exit(at: 1)
    #expect(
      scenario.report.contains(#""delay_ms":0,"delay_ended_by":"skipped","drain_ms":0,"drain_ended_by":"skipped""#))
  }

  @Test func `a default delay is announced once a sample shows a listening socket`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.line("delaying") == nil)
    scenario.at(3, .sampled(sample()))
    #expect(scenario.line("delaying")?.contains("the command keeps serving for 5s") == true)
    scenario.at(250, .timer)
    scenario.at(253, .sampled(sample()))
    #expect(scenario.count("delaying") == 1)
  }

  @Test func `a default delay is kept if the sockets cannot be sampled`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    scenario.at(3, .countFailed("sock_diag: Too many open files"))
    #expect(scenario.line("delaying")?.contains("keeps serving for 5s") == true)
    #expect(scenario.lifecycle.phase == .delaying)
  }

  @Test func `a given delay is kept and the drain skipped when the command never listened`() {
    var scenario = Scenario.counting { $0.delay = .seconds(2) }
    #expect(scenario.drain { _ in sample(listeners: .none) } == 2000)
    #expect(
      scenario.line("stop-signal")?.contains("the command keeps serving for 2s, SIGKILL in 29s at the latest") == true)
    #expect(scenario.line("connections")?.contains("no listening sockets; keeping the delay that was given") == true)
    scenario.exit(at: 2001)
    #expect(
      scenario.report.contains(#""delay_ms":2000,"delay_ended_by":"time","drain_ms":0,"drain_ended_by":"skipped""#))
  }

  @Test func `a command that begins to listen during a given delay is drained`() {
    var scenario = Scenario.counting { ($0.delay, $0.drainQuiet) = (.seconds(2), .seconds(2)) }
    let forwarded = scenario.drain { now in
      now < 1000 ? sample(listeners: .none) : sample(connection(sent: now - 1500, received: now - 1500))
    }
    #expect(forwarded == 3500)
  }

  @Test func `a given delay is skipped while the command is starting`() {
    var scenario = Scenario.counting {
      $0.readyTCP = 80
      $0.delay = .seconds(2)
    }
    #expect(scenario.at(0, .signal(.sigterm)).suffix(2) == stopCommand[...])
  }

  @Test func `in mode time the announced SIGKILL is the end of the delay and --grace`() {
    var scenario = Scenario.counting { ($0.grace, $0.delay, $0.drain) = (.seconds(2), .milliseconds(1500), .time) }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.line("stop-signal")?.contains(#""kill_in_ms":3500"#) == true)
    #expect(scenario.lifecycle.snapshot.killAt == .at(3500))
    scenario.at(1500, .timer)
    #expect(scenario.lifecycle.killAt == .at(3500))
  }

  @Test func `in mode idle the announced SIGKILL is the end of the longest drain and --grace`() {
    var scenario = Scenario.counting { ($0.grace, $0.delay, $0.drainTimeout) = (.seconds(2), .seconds(1), .seconds(4)) }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.lifecycle.snapshot.killAt == .at(7000))
    scenario.at(0, .sampled(sample()))
    scenario.at(1000, .signal(.sigint))
    #expect(scenario.lifecycle.snapshot.killAt == .at(3000))
  }
}
