import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// The final report and the log of a stop, and the status page during it. Times are milliseconds since the stop signal.
@Suite struct StopReportTests {
  private func stopping(_ change: (inout RunOptions) -> Void = { _ in }) -> Scenario {
    var scenario = Scenario.counting {
      $0.drain = .time
      change(&$0)
    }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample()))
    scenario.at(5000, .timer)
    return scenario
  }

  // MARK: The sender of SIGKILL

  @Test func `a SIGKILL that ebb did not send is not reported as killed`() {
    var scenario = stopping()
    scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 6000)
    #expect(scenario.report.contains(#""code":137,"signal":"KILL","killed":false"#))
    #expect(scenario.report.contains(#""stop_ms":1000,"stop_ended_by":"exit""#))
    #expect(scenario.report.contains("the command was killed by SIGKILL\""))
  }

  /// It exited by itself just before SIGKILL was sent.
  @Test func `a command that exits just before its SIGKILL is not reported as killed`() {
    var scenario = stopping()
    scenario.at(28_750, .timer)
    scenario.at(28_751, .sampled(sample(connection(sent: 9000, received: 0))))
    scenario.at(29_000, .timer)
    #expect(scenario.line("killing")?.contains("sent SIGKILL to the command and its descendants") == true)
    scenario.exit(at: 29_001)
    #expect(scenario.report.contains(#""code":0,"signal":null,"killed":false"#))
    #expect(scenario.report.contains(#""stop_ended_by":"exit""#))
    #expect(scenario.report.contains(#""at_kill":null"#))
  }

  @Test func `a command that survives SIGKILL is reported as killed`() {
    var scenario = stopping()
    // ebb is 400 ms late, and still waits half the kill margin.
    scenario.at(29_400, .timer)
    #expect(scenario.lifecycle.phase == .killing)
    scenario.at(29_900, .timer)
    scenario.at(29_900, .survivors([], isInit: true))
    #expect(scenario.lifecycle.phase == .exited)
    #expect(scenario.report.contains(#""code":137,"signal":null,"killed":true"#))
  }

  @Test func `a core dump is named in the final report`() {
    var scenario = stopping()
    scenario.exit(.killed(by: .sigquit, dumpedCore: true), at: 6000)
    #expect(scenario.report.contains("the command was killed by SIGQUIT, core dumped"))
  }

  // MARK: The end of each phase

  @Test func `an exit of the command in the delay or the drain is what ended that phase`() {
    var delaying = Scenario.counting()
    delaying.at(0, .signal(.sigterm))
    delaying.exit(at: 1200)
    #expect(
      delaying.report.contains(#""delay_ms":1200,"delay_ended_by":"exit","drain_ms":null,"drain_ended_by":null"#))
    var draining = Scenario.counting()
    draining.at(0, .signal(.sigterm))
    draining.at(0, .sampled(sample(connection(sent: 9000, received: 0))))
    draining.at(5000, .timer)
    draining.exit(at: 6000)
    #expect(
      draining.report.contains(#""delay_ms":5000,"delay_ended_by":"time","drain_ms":null,"drain_ended_by":"exit""#))
  }

  @Test func `ebb stop --now ends the delay, and does nothing outside a stop`() {
    var scenario = Scenario.counting()
    #expect(scenario.at(-1, .stopNow) == [])
    #expect(scenario.lifecycle.phase == .serving)
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(1000, .stopNow) == stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.at(1001, .stopNow) == [])
    scenario.exit(at: 1002)
    #expect(
      scenario.report.contains(#""delay_ms":1000,"delay_ended_by":"request","drain_ms":0,"drain_ended_by":"skipped""#))
  }

  @Test(arguments: [(Event.stopNow, "skipped"), (.signal(.sigint), "signal")])
  func `ebb stop --now and SIGINT in the drain leave the reported delay unchanged`(_ event: Event, _ reason: String) {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample(connection(sent: 9000, received: 0))))
    scenario.at(5000, .timer)
    #expect(scenario.at(6000, event).suffix(2) == stopCommand[...])
    scenario.exit(at: 6001)
    let expected = #""delay_ms":5000,"delay_ended_by":"time","drain_ms":1000,"drain_ended_by":""# + reason
    #expect(scenario.report.contains(expected))
  }

  // MARK: Numbers

  @Test func `the last connection and the last request are reported separately`() {
    var scenario = Scenario.counting()
    _ = scenario.drain { now in
      switch now {
      case ..<1000: sample()
      case ..<3000: sample(connection(sent: now - 1000, received: now - 1000))
      default: sample(connection(sent: now - 3000, received: now - 3000))
      }
    }
    scenario.exit(at: 6000)
    #expect(
      scenario.report.contains(#""connections_after_stop":1,"last_connection_ms":1000,"last_request_ms":3000"#))
  }

  @Test func `a run without a stop is reported to the termination log alone`() {
    var scenario = Scenario.counting()
    scenario.exit(at: 0)
    #expect(scenario.records.isEmpty)
    #expect(scenario.report.contains(#""stop_signal":null"#))
  }

  @Test func `leftovers that were killed are reported, with the command's own exit code`() {
    var scenario = Scenario.counting()
    scenario.at(0, .commandExited(.exited(code: 3)))
    scenario.at(0, .reapedAll(childrenRemain: true))
    scenario.at(2000, .timer)
    #expect(scenario.line("killing")?.contains("leftover processes did not exit in time") == true)
    #expect(scenario.wakeUp == 2001)
    // They survive SIGKILL, and ebb exits after half the kill margin.
    scenario.at(2500, .timer)
    scenario.at(2500, .survivors([], isInit: true))
    #expect(scenario.lifecycle.phase == .exited)
    #expect(scenario.report.contains(#""code":3,"signal":null,"killed":false"#))
    #expect(scenario.report.contains(#""leftovers":"killed""#))
  }

  /// The command itself died of a SIGKILL that ebb did not send, an out-of-memory kill for example.
  @Test func `killing leftovers does not report the command as killed`() {
    var scenario = Scenario.counting()
    scenario.at(0, .commandExited(.killed(by: .sigkill, dumpedCore: false)))
    scenario.at(0, .reapedAll(childrenRemain: true))
    scenario.at(2000, .timer)
    scenario.at(2001, .reapedAll(childrenRemain: false))
    #expect(scenario.report.contains(#""code":137,"signal":"KILL","killed":false"#))
  }

  /// They have already been sent SIGKILL.
  @Test func `leftovers of a killed command are not sent the stop signal`() {
    var scenario = stopping()
    scenario.at(29_000, .timer)
    scenario.at(29_001, .commandExited(.killed(by: .sigkill, dumpedCore: false)))
    #expect(scenario.at(29_001, .reapedAll(childrenRemain: true)) == [])
  }

  // MARK: The log

  @Test func `the log of a stop shows its signal, its deadline and where its period comes from`() {
    var scenario = stopping()
    #expect(
      scenario.line("stop-signal")?.contains(
        #""signal":"TERM","forward_in_ms":null,"kill_in_ms":29000,"grace_period_ms":30000,"grace_period_from":"kubernetes","recognised":null,"#
          + #""msg":"stopping: SIGKILL in 29s at the latest""#) == true)
    #expect(
      scenario.line("stopping")?.contains(
        #""to":"command","kill_in_ms":24000,"msg":"sent the stop signal to the command""#) == true)
    scenario.at(6000, .signal(.sigterm))
    #expect(scenario.line("repeated-stop-signal")?.contains(#""kill_in_ms":23000"#) == true)
    let dropped = stopping { $0.rewrites.add(from: .sigterm, to: nil) }
    #expect(dropped.line("stopping")?.contains("--rewrite drops the stop signal") == true)
  }

  // MARK: The status page

  @Test func `the status page shows when the stop signal is forwarded at the latest`() throws {
    func latest(_ change: (inout RunOptions) -> Void) -> Int? {
      var scenario = Scenario.counting(change)
      scenario.at(0, .signal(.sigterm))
      return scenario.lifecycle.snapshot.stop.map { ($0.forwardAt - .at(0)).milliseconds }
    }
    #expect(latest { _ in } == 15_000)
    #expect(latest { $0.drain = .time } == 5000)
    #expect(latest { ($0.drain, $0.preStop) = (.time, ["hook"]) } == 15_000)
  }

  @Test func `the status page shows phase, readiness, connections and counters of a stop`() {
    var scenario = Scenario.counting()
    #expect(scenario.lifecycle.snapshot.since == .at(-1000))
    #expect(scenario.lifecycle.snapshot.isReady)
    scenario.at(0, .signal(.sigterm))
    scenario.at(100, .sampled(sample(connection(sent: 9000, received: 0))))
    let delaying = scenario.lifecycle.snapshot
    #expect(delaying.phase == .delaying)
    #expect(delaying.since == .at(0))
    #expect(!delaying.isReady)
    #expect(delaying.connections?.busy == 1)
    #expect(delaying.killAt == .at(29_000))
    #expect(delaying.forwarded == 0)
    scenario.at(5000, .stopNow)
    let stopping = scenario.lifecycle.snapshot
    #expect(stopping.since == .at(5000))
    #expect(stopping.received == 1)
    #expect(stopping.forwarded == 1)
  }

  @Test func `the status page shows the earlier deadline of the stop and the leftovers`() {
    var first = Scenario.counting()
    first.at(0, .commandExited(.exited(code: 0)))
    first.at(0, .reapedAll(childrenRemain: true))
    #expect(first.lifecycle.snapshot.killAt == .at(2000))
    first.at(500, .signal(.sigterm))
    #expect(first.line("stop-signal")?.contains(#""kill_in_ms":1500"#) == true)
    first.at(600, .signal(.sigterm))
    #expect(first.line("repeated-stop-signal")?.contains(#""kill_in_ms":1400"#) == true)
    var last = Scenario.counting { $0.leftoverTimeout = .seconds(100) }
    last.at(0, .commandExited(.exited(code: 0)))
    last.at(0, .reapedAll(childrenRemain: true))
    last.at(1000, .signal(.sigterm))
    #expect(last.lifecycle.snapshot.killAt == .at(30_000))
  }
}
