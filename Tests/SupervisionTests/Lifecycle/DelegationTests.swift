import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// A supervisor whose command is a supervisor itself: the runtime's init above the image's entry point.
@Suite struct DelegationTests {
  private func stopped(_ change: (inout RunOptions) -> Void = { _ in }) -> (DrainScenario, [Action]) {
    var scenario = DrainScenario(change)
    _ = scenario.at(0, .commandSeen(isSupervisor: true))
    let actions = scenario.at(0, .signal(.sigterm))
    return (scenario, actions)
  }

  @Test func `the stop signal is forwarded at once`() {
    let (scenario, actions) = stopped { ($0.delay, $0.preStop) = (.seconds(5), ["hook"]) }
    #expect(actions == stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.line("stop-signal")?.contains("the command is an ebb itself") == true)
  }

  /// As rewritten it might begin no stop there.
  @Test func `the stop signal is forwarded as it came, and rewritten by the one below`() {
    let (_, actions) = stopped { $0.rewrites.add(from: .sigterm, to: .sigquit) }
    #expect(actions == stopCommand)
  }

  @Test func `the deadline comes half a margin after that of the one below`() {
    let (scenario, _) = stopped()
    #expect(scenario.wakeUp == 29_500)
  }

  @Test func `a given grace is for the one below`() {
    let (scenario, _) = stopped { ($0.delay, $0.grace) = (.seconds(5), .seconds(3)) }
    #expect(scenario.wakeUp == 29_500)
  }

  @Test func `it ends within the termination grace period all the same`() {
    var (scenario, _) = stopped()
    _ = scenario.at(29_500, .timer)
    #expect(scenario.lifecycle.phase == .killing)
    _ = scenario.at(29_750, .timer)
    _ = scenario.at(29_750, .survivors([], isInit: true))
    #expect(scenario.lifecycle.phase == .exited)
  }

  @Test func `the termination message is left to the one below, unless that was killed`() {
    var (ended, _) = stopped()
    ended.exit(at: 8000)
    #expect(ended.report.isEmpty)
    #expect(ended.line("exited")?.contains(#""delay_ended_by":"skipped""#) == true)
    var (killed, _) = stopped()
    _ = killed.at(29_500, .timer)
    _ = killed.at(29_501, .commandExited(.killed(by: .sigkill, dumpedCore: false)))
    _ = killed.at(29_501, .reapedAll(childrenRemain: false))
    #expect(killed.report.contains(#""killed":true"#))
  }

  @Test func `readiness is held while the one below serves`() {
    let (scenario, _) = stopped { $0.readyHold = .seconds(3) }
    #expect(scenario.lifecycle.isReady(at: .at(2999)))
    #expect(!scenario.lifecycle.isReady(at: .at(3000)))
  }
}
