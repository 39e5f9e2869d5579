import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// When a stop samples the connections. Times are milliseconds since the stop signal.
@Suite struct DrainCountingTests {
  private static func isCount(_ action: Action) -> Bool { if case .count = action { true } else { false } }

  /// A stop in its drain, with one request in flight in each sample.
  private func busyInDrain(_ change: (inout RunOptions) -> Void = { _ in }) -> Scenario {
    var scenario = Scenario.counting(change)
    let busy = sample(connection(sent: 9000, received: 0))
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(busy))
    scenario.at(5000, .timer)
    scenario.at(5000, .sampled(busy))
    return scenario
  }

  @Test func `without a delay and in mode time no connection is counted`() {
    var scenario = Scenario.counting { ($0.delay, $0.drain) = (.zero, .time) }
    #expect(scenario.at(0, .signal(.sigterm)) == stopCommand)
    var hook = Scenario.counting { ($0.delay, $0.drain, $0.preStop) = (.zero, .time, ["hook"]) }
    #expect(hook.at(0, .signal(.sigterm)) == [.startHook(.sigterm)])
    #expect(hook.line("draining")?.contains("draining until the pre-stop hook has exited") == true)
    #expect(hook.line("delaying") == nil)
    var delayed = Scenario.counting { ($0.drain, $0.preStop) = (.time, ["hook"]) }
    delayed.at(0, .signal(.sigterm))
    delayed.at(0, .sampled(sample()))
    delayed.at(4990, .timer)
    delayed.at(4990, .sampled(sample()))
    #expect(delayed.at(5000, .timer) == [])
    #expect(delayed.lifecycle.phase == .draining)
  }

  @Test func `a stop searches for listening sockets once a second`() {
    var scenario = Scenario.counting()
    #expect(scenario.at(0, .signal(.sigterm)) == [.count(lookForListeners: true)])
    for (time, looks) in [(250, false), (500, false), (750, false), (1000, true), (1250, false)] {
      scenario.at(time - 250, .sampled(sample(connection(sent: 9000, received: 9001))))
      #expect(scenario.at(time, .timer) == [.count(lookForListeners: looks)])
    }
  }

  @Test func `a stop on a system without connection counts samples once`() {
    var scenario = Scenario.counting()
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(ConnectionSample(source: .none, listeners: .given)))
    #expect(scenario.wakeUp == 5000)
  }

  @Test func `the result of an abandoned pass is ignored`() {
    var scenario = busyInDrain()
    #expect(scenario.wakeUp == 5250)
    #expect(scenario.at(7100, .countFailed("late")) == [.count(lookForListeners: true)])
    #expect(scenario.line("count-failed") == nil)
    scenario.at(7100, .sampled(sample(connection(sent: 9000, received: 0))))
    #expect(scenario.at(7200, .sampled(sample())) == [])
    #expect(scenario.lifecycle.phase == .draining)
  }

  @Test func `the log names the ports of the command each time they change`() {
    var scenario = Scenario.counting()
    _ = scenario.drain { now in
      var pass = sample()
      if now > 2000 { pass.ports = [80, 443] }
      return pass
    }
    #expect(scenario.count("connections") == 2)
    var none = Scenario.counting()
    _ = none.drain { _ in sample(listeners: .none) }
    #expect(none.line("connections")?.contains("no listening sockets") == true)
  }

  @Test func `the first failed count is a warning, later ones are details`() {
    var scenario = Scenario.counting { $0.verboseCount = 1 }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .countFailed("gone"))
    scenario.at(1000, .timer)
    scenario.at(1000, .countFailed("gone"))
    #expect(scenario.records.filter { $0.event == "count-failed" }.map { $0.level } == [.warning, .debug])
    #expect(scenario.line("count-failed")?.contains(#""problem":"gone""#) == true)
  }

  @Test func `the log says what the drain waits for and for how long`() {
    var scenario = busyInDrain()
    #expect(scenario.line("draining")?.contains(#""for_ms":10000,"in_flight":1,"busy":1,"idle":0"#) == true)
    #expect(scenario.line("draining")?.contains("until no request is in flight") == true)
    scenario.at(5001, .stopNow)
    let zero = busyInDrain { $0.drain = .zero }
    #expect(zero.line("draining")?.contains("until no connection is open") == true)
  }

  /// The drain is cut short in favour of the second that the command has to exit.
  @Test func `without --grace the drain leaves the command a second before SIGKILL`() {
    var scenario = Scenario.counting {
      ($0.terminationGracePeriod, $0.delay, $0.drainTimeout) = (.seconds(10), .seconds(5), .seconds(10))
    }
    #expect(scenario.drain { _ in sample(connection(sent: 9000, received: 0)) } == 8000)
    #expect(scenario.wakeUp == 8750)
  }

  // MARK: With a pre-stop hook

  @Test func `a sample taken before the pre-stop hook exited does not end the drain`() {
    var scenario = Scenario.counting { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample()))
    #expect(scenario.at(200, .hookEnded(.exited(code: 0))) == [])  // the delay continues
    #expect(scenario.wakeUp == 250)
    scenario = Scenario.counting { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .sampled(sample()))
    scenario.at(5000, .timer)
    #expect(scenario.at(5000, .sampled(sample())) == [])
    #expect(scenario.lifecycle.phase == .draining)
    #expect(scenario.at(5100, .hookEnded(.exited(code: 0))) == [.count(lookForListeners: false)])
    #expect(scenario.at(5101, .sampled(sample())) == stopCommand)
  }

  @Test func `killing the pre-stop hook at the drain's end starts no pass`() {
    var scenario = Scenario.counting { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .countFailed("gone"))
    scenario.at(5000, .timer)
    scenario.at(5000, .countFailed("gone"))
    #expect(scenario.at(15_000, .timer) == [.killHook] + stopCommand)
    #expect(scenario.at(15_001, .hookEnded(.killed(by: .sigkill, dumpedCore: false))) == [])
    #expect(scenario.line("hook-exited")?.contains("took too long and was killed") == true)
  }

  @Test func `the drain of a command that never listened waits for the pre-stop hook alone`() {
    var scenario = Scenario.counting { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(100, .sampled(sample(listeners: .none))) == [])
    #expect(scenario.lifecycle.phase == .draining)
    #expect(scenario.wakeUp == 15_000)
    #expect(scenario.at(3000, .hookEnded(.exited(code: 1))) == stopCommand)
    #expect(scenario.line("hook-exited")?.contains("the pre-stop hook has exited") == true)
    #expect(scenario.records.last { $0.event == "hook-exited" }?.level == .warning)
    scenario.exit(at: 3001)
    #expect(
      scenario.report.contains(#""delay_ms":100,"delay_ended_by":"skipped","drain_ms":2900,"drain_ended_by":"skipped""#)
    )
  }

  // MARK: Before SIGKILL

  @Test func `a failed final sample is not repeated`() {
    var scenario = busyInDrain()
    #expect(scenario.at(15_000, .timer) == stopCommand)
    #expect(scenario.wakeUp == 28_750)
    scenario.at(28_750, .timer)
    scenario.at(28_750, .countFailed("gone"))
    #expect(scenario.wakeUp == 29_000)
  }

  @Test func `no final sample is taken if SIGKILL is less than 250 ms away`() {
    var scenario = busyInDrain { $0.grace = .milliseconds(250) }
    #expect(scenario.at(15_000, .timer) == stopCommand)
    #expect(scenario.wakeUp == 15_250)
  }

  @Test func `no sample is taken once the command has exited`() {
    var scenario = busyInDrain()
    scenario.at(5100, .commandExited(.exited(code: 0)))
    #expect(scenario.at(5100, .reapedAll(childrenRemain: true)) == [])
    #expect(scenario.at(6100, .timer) == [])
    #expect(scenario.wakeUp == 7100)  // the next search for leftovers
  }

  /// A pass that ended after SIGKILL does not show the connections at SIGKILL.
  @Test func `a sample that ends after SIGKILL is not reported as the count at the kill`() {
    var scenario = busyInDrain()
    scenario.at(15_000, .timer)
    scenario.at(28_750, .timer)
    scenario.at(29_000, .timer)
    scenario.at(29_005, .sampled(sample()))
    scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 29_006)
    #expect(scenario.report.contains(#""at_forward":1,"at_kill":null"#))
  }
}
