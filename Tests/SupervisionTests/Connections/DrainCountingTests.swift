import LifecycleModel
import Testing

@testable import Supervision

/// When a stop looks at the connections, and when it does not. Times are milliseconds since the stop signal.
@Suite struct DrainCountingTests {
  private static func isCount(_ action: Action) -> Bool { if case .count = action { true } else { false } }

  /// Brings a stop to its drain, whose passes have seen nothing but one request in flight.
  private func busyInDrain(_ change: (inout RunOptions) -> Void = { _ in }) -> DrainStory {
    var story = DrainStory(change)
    let busy = sample(connection(sent: 9000, received: 0))
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .sampled(busy))
    _ = story.at(5000, .timer)
    _ = story.at(5000, .sampled(busy))
    return story
  }

  @Test func withoutADelayQuietIsAwaitedAllTheSame() {
    var story = DrainStory { $0.delay = .zero }
    #expect(story.drain { _ in sample() } == 2000)
  }

  @Test func nothingIsCountedWhereNothingIsAwaited() {
    var story = DrainStory { ($0.delay, $0.drain) = (.zero, .time) }
    #expect(story.at(0, .signal(.terminate)) == stopCommand)
    var hook = DrainStory { ($0.delay, $0.drain, $0.preStop) = (.zero, .time, ["hook"]) }
    #expect(hook.at(0, .signal(.terminate)) == [.startHook(.terminate)])
    #expect(hook.line("draining")?.contains("waits for the pre-stop hook") == true)
    #expect(hook.line("delaying") == nil)
    var delayed = DrainStory { ($0.drain, $0.preStop) = (.time, ["hook"]) }
    _ = delayed.at(0, .signal(.terminate))
    _ = delayed.at(0, .sampled(sample()))
    _ = delayed.at(4990, .timer)
    _ = delayed.at(4990, .sampled(sample()))
    #expect(delayed.at(5000, .timer) == [] && delayed.lifecycle.phase == .draining)
  }

  @Test func listenersAreLookedForOnceASecond() {
    var story = DrainStory()
    #expect(story.at(0, .signal(.terminate)) == [.count(lookForListeners: true)])
    for (time, looks) in [(250, false), (500, false), (750, false), (1000, true), (1250, false)] {
      _ = story.at(time - 250, .sampled(sample(connection(sent: 9000, received: 9001))))
      #expect(story.at(time, .timer) == [.count(lookForListeners: looks)])
    }
  }

  @Test func whereNothingCanBeCountedNobodyLooksAgain() {
    var story = DrainStory()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .sampled(Sample(source: .none, listeners: .given)))
    #expect(story.wakeUp == 5000)
  }

  /// The result of a pass that was given up.
  @Test func whatNobodyHasAskedForChangesNothing() {
    var story = busyInDrain()
    #expect(story.wakeUp == 5250)
    #expect(story.at(7100, .countFailed("late")) == [.count(lookForListeners: true)])
    #expect(story.line("count-failed") == nil)
    _ = story.at(7100, .sampled(sample(connection(sent: 9000, received: 0))))
    #expect(story.at(7200, .sampled(sample())) == [] && story.lifecycle.phase == .draining)
  }

  @Test func portsAreLoggedWhereTheyChange() {
    var story = DrainStory()
    _ = story.drain { now in
      var pass = sample()
      if now > 2000 { pass.ports = [80, 443] }
      return pass
    }
    #expect(story.records.filter { $0.event == "connections" }.count == 2)
    var none = DrainStory()
    _ = none.drain { _ in sample(listeners: .none) }
    #expect(none.line("connections")?.contains("listens on nothing") == true)
  }

  @Test func theFirstFailureIsAWarningTheOthersAreDetails() {
    var story = DrainStory { $0.verboseCount = 1 }
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .countFailed("gone"))
    _ = story.at(1000, .timer)
    _ = story.at(1000, .countFailed("gone"))
    #expect(story.records.filter { $0.event == "count-failed" }.map { $0.level } == [.warning, .debug])
    #expect(story.line("count-failed")?.contains(#""problem":"gone""#) == true)
  }

  @Test func whatTheDrainWaitsForIsSaid() {
    var story = busyInDrain()
    #expect(story.line("draining")?.contains(#""for_ms":10000,"in_flight":1,"busy":1,"idle":0"#) == true)
    #expect(story.line("draining")?.contains("until no request is in flight") == true)
    _ = story.at(5001, .stopNow)
    let zero = busyInDrain { $0.drain = .zero }
    #expect(zero.line("draining")?.contains("until no connection is open") == true)
  }

  /// The drain is cut short and not the second that the command has to end in.
  @Test func aSecondIsLeftWhereNoGraceIsAskedFor() {
    var story = DrainStory {
      ($0.terminationGracePeriod, $0.delay, $0.drainTimeout) = (.seconds(10), .seconds(5), .seconds(10))
    }
    #expect(story.drain { _ in sample(connection(sent: 9000, received: 0)) } == 8000)
    #expect(story.wakeUp == 8750)
  }

  // MARK: Beside the hook

  @Test func whatWasSeenBeforeTheHookEndedDoesNotCount() {
    var story = DrainStory { $0.preStop = ["hook"] }
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .sampled(sample()))
    #expect(story.at(200, .hookEnded(.exited(code: 0))) == [])  // the delay goes on as before
    #expect(story.wakeUp == 250)
    story = DrainStory { $0.preStop = ["hook"] }
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .sampled(sample()))
    _ = story.at(5000, .timer)
    #expect(story.at(5000, .sampled(sample())) == [] && story.lifecycle.phase == .draining)
    #expect(story.at(5100, .hookEnded(.exited(code: 0))) == [.count(lookForListeners: false)])
    #expect(story.at(5101, .sampled(sample())) == stopCommand)
  }

  @Test func aHookThatIsKilledStartsNoPass() {
    var story = DrainStory { $0.preStop = ["hook"] }
    _ = story.at(0, .signal(.terminate))
    _ = story.at(0, .countFailed("gone"))
    _ = story.at(5000, .timer)
    _ = story.at(5000, .countFailed("gone"))
    #expect(story.at(15_000, .timer) == [.killHook] + stopCommand)
    #expect(story.at(15_001, .hookEnded(.killed(by: .kill, dumpedCore: false))) == [])
    #expect(story.line("hook-exited")?.contains("took too long and was killed") == true)
  }

  @Test func theHookOfACommandThatListensOnNothingIsAllThatIsAwaited() {
    var story = DrainStory { $0.preStop = ["hook"] }
    _ = story.at(0, .signal(.terminate))
    #expect(story.at(100, .sampled(sample(listeners: .none))) == [])
    #expect(story.lifecycle.phase == .draining && story.wakeUp == 15_000)
    #expect(story.at(3000, .hookEnded(.exited(code: 1))) == stopCommand)
    #expect(story.line("hook-exited")?.contains("the pre-stop hook has exited") == true)
    #expect(story.records.last { $0.event == "hook-exited" }?.level == .warning)
    story.exit(at: 3001)
    #expect(
      story.report.contains(#""delay_ms":100,"delay_ended_by":"skipped","drain_ms":2900,"drain_ended_by":"skipped""#))
  }

  // MARK: Before the kill

  @Test func theLastLookIsTheLastEvenIfItFails() {
    var story = busyInDrain()
    #expect(story.at(15_000, .timer) == stopCommand)
    #expect(story.wakeUp == 28_750)
    _ = story.at(28_750, .timer)
    _ = story.at(28_750, .countFailed("gone"))
    #expect(story.wakeUp == 29_000)
  }

  @Test func noLastLookWhereTheKillIsNear() {
    var story = busyInDrain { $0.grace = .milliseconds(250) }
    #expect(story.at(15_000, .timer) == stopCommand)
    #expect(story.wakeUp == 15_250)
  }

  @Test func noLookOnceTheCommandHasExited() {
    var story = busyInDrain()
    _ = story.at(5100, .commandExited(.exited(code: 0)))
    #expect(story.at(5100, .reapedAll(childrenRemain: true)) == [])
    #expect(story.at(6100, .timer) == [])
    #expect(story.wakeUp == 7100)  // the next look for new leftovers
  }

  /// What a pass has seen that ended after the kill is no number of it.
  @Test func aLookThatEndsAfterTheKillComesTooLate() {
    var story = busyInDrain()
    _ = story.at(15_000, .timer)
    _ = story.at(28_750, .timer)
    _ = story.at(29_000, .timer)
    _ = story.at(29_005, .sampled(sample()))
    _ = story.at(29_006, .commandExited(.killed(by: .kill, dumpedCore: false)))
    _ = story.at(29_006, .reapedAll(childrenRemain: false))
    #expect(story.report.contains(#""at_forward":1,"at_kill":null"#))
  }
}
