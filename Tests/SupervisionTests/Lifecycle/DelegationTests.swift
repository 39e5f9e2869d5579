import LifecycleModel
import Testing

@testable import Supervision

/// A supervisor whose command is a supervisor itself: the runtime's init above the image's entry point.
@Suite struct DelegationTests {
  private func stopped(_ change: (inout RunOptions) -> Void = { _ in }) -> (DrainStory, [Action]) {
    var story = DrainStory(change)
    _ = story.at(0, .commandSeen(isSupervisor: true))
    let actions = story.at(0, .signal(.terminate))
    return (story, actions)
  }

  @Test func `the stop signal is forwarded at once`() {
    let (story, actions) = stopped { ($0.delay, $0.preStop) = (.seconds(5), ["hook"]) }
    #expect(actions == stopCommand)
    #expect(story.lifecycle.phase == .stopping)
    #expect(story.line("stop-signal")?.contains("the command is an ebb itself") == true)
  }

  /// As rewritten it might begin no stop there.
  @Test func `the stop signal is forwarded as it came, and rewritten by the one below`() {
    let (_, actions) = stopped { $0.rewrites.add(from: .terminate, to: .quit) }
    #expect(actions == stopCommand)
  }

  @Test func `the deadline comes half a margin after that of the one below`() {
    let (story, _) = stopped()
    #expect(story.wakeUp == 29_500)
  }

  @Test func `a given grace is for the one below`() {
    let (story, _) = stopped { ($0.delay, $0.grace) = (.seconds(5), .seconds(3)) }
    #expect(story.wakeUp == 29_500)
  }

  @Test func `it ends within the termination grace period all the same`() {
    var (story, _) = stopped()
    _ = story.at(29_500, .timer)
    #expect(story.lifecycle.phase == .killing)
    _ = story.at(29_750, .timer)
    _ = story.at(29_750, .survivors([], isInit: true))
    #expect(story.lifecycle.phase == .exited)
  }

  @Test func `the termination message is left to the one below, unless that was killed`() {
    var (ended, _) = stopped()
    ended.exit(at: 8000)
    #expect(ended.report.isEmpty)
    #expect(ended.line("exited")?.contains(#""delay_ended_by":"skipped""#) == true)
    var (killed, _) = stopped()
    _ = killed.at(29_500, .timer)
    _ = killed.at(29_501, .commandExited(.killed(by: .kill, dumpedCore: false)))
    _ = killed.at(29_501, .reapedAll(childrenRemain: false))
    #expect(killed.report.contains(#""killed":true"#))
  }

  @Test func `readiness is held while the one below serves`() {
    let (story, _) = stopped { $0.readyHold = .seconds(3) }
    #expect(story.lifecycle.isReady(at: .at(2999)))
    #expect(!story.lifecycle.isReady(at: .at(3000)))
  }
}
