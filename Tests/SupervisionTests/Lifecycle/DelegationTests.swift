import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// An ebb whose command is an ebb: the runtime's init above the image's entry point.
@Suite struct DelegationTests {
  private func stopped(_ change: (inout RunOptions) -> Void = { _ in }) -> (Scenario, [Action]) {
    var scenario = Scenario.counting(change)
    scenario.at(0, .commandSeen(isSupervisor: true))
    let actions = scenario.at(0, .signal(.sigterm))
    return (scenario, actions)
  }

  @Test func `an ebb above an ebb forwards the stop signal immediately, without delay and hook`() {
    let (scenario, actions) = stopped { ($0.delay, $0.preStop) = (.seconds(5), ["hook"]) }
    #expect(actions == stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.line("stop-signal")?.contains("the command is an ebb itself") == true)
  }

  /// The rewritten signal might not begin a stop in the one below.
  @Test func `an ebb above an ebb forwards the stop signal without its rewrite`() {
    let (_, actions) = stopped { $0.rewrites.add(from: .sigterm, to: .sigquit) }
    #expect(actions == stopCommand)
  }

  @Test func `an ebb above an ebb sends SIGKILL half a kill margin after the one below`() {
    let (scenario, _) = stopped()
    #expect(scenario.wakeUp == 29_500)
  }

  @Test func `an ebb above an ebb leaves --grace to the one below`() {
    let (scenario, _) = stopped { ($0.delay, $0.grace) = (.seconds(5), .seconds(3)) }
    #expect(scenario.wakeUp == 29_500)
  }

  @Test func `an ebb above an ebb exits within a quarter of the margin after SIGKILL`() {
    var (scenario, _) = stopped()
    scenario.at(29_500, .timer)
    #expect(scenario.lifecycle.phase == .killing)
    scenario.at(29_750, .timer)
    scenario.at(29_750, .survivors([], isInit: true))
    #expect(scenario.lifecycle.phase == .exited)
  }

  @Test func `an ebb above an ebb writes a termination message only if the one below was killed`() {
    var (ended, _) = stopped()
    ended.exit(at: 8000)
    #expect(ended.report.isEmpty)
    #expect(ended.line("exited")?.contains(#""delay_ended_by":"skipped""#) == true)
    var (killed, _) = stopped()
    killed.at(29_500, .timer)
    killed.exit(.killed(by: .sigkill, dumpedCore: false), at: 29_501)
    #expect(killed.report.contains(#""killed":true"#))
  }

  @Test func `an ebb above an ebb holds readiness while the one below serves`() {
    let (scenario, _) = stopped { $0.readyHold = .seconds(3) }
    #expect(scenario.lifecycle.isReady(at: .at(2999)))
    #expect(!scenario.lifecycle.isReady(at: .at(3000)))
  }
}
