import LifecycleModel
import Testing

@testable import Supervision

/// Readiness, the pre-stop hook and what they do to a stop. Times are milliseconds since the start.
private struct Story {
  var lifecycle: Lifecycle
  private(set) var message: LogRecord?

  init(_ change: (inout RunOptions) -> Void) {
    var options = RunOptions()
    options.orchestrator = .kubernetes
    options.quiet = true
    options.drain = .time
    change(&options)
    lifecycle = Lifecycle(options)
  }

  mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
    lifecycle.handle(event, at: .at(milliseconds)).filter { action in
      switch action {
      case .leaveMessage(let record):
        message = record
        return false
      case .log, .count, .findChildren: return false
      default: return true
      }
    }
  }

  mutating func start() -> [Action] { at(0, .spawned(pid: 7, hasTerminal: false)) }
  mutating func exit(at milliseconds: Int) -> [Action] {
    at(milliseconds, .commandExited(.exited(code: 3))) + at(milliseconds, .reapedAll(childrenRemain: false))
  }

  var wakeUp: Int? { lifecycle.wakeUp.map { ($0 - .at(0)).milliseconds } }
  func isReady(at milliseconds: Int) -> Bool { lifecycle.isReady(at: .at(milliseconds)) }
  var report: String { message.map { String(decoding: $0.line(.json, unixMilliseconds: 0), as: UTF8.self) } ?? "" }
}

@Suite struct ReadinessTests {
  @Test func askedUntilTheFirstYes() {
    var story = Story { $0.readyTCP = 80 }
    #expect(story.start() == [.probe])
    #expect(story.lifecycle.phase == .starting && !story.isReady(at: 0) && !story.lifecycle.snapshot.isReady)
    #expect(story.at(1, .probeFailed("refused")) == [])
    #expect(story.wakeUp == 100)
    #expect(story.at(100, .timer) == [.probe])
    #expect(story.wakeUp == 1100)  // for an answer
    #expect(story.at(150, .probeSucceeded) == [])
    #expect(story.lifecycle.phase == .serving && story.isReady(at: 150))
    #expect(story.wakeUp == nil)
    #expect(story.at(200, .probeFailed("late")) == [])
    #expect(story.lifecycle.phase == .serving)
  }

  @Test func moreAndMoreSlowlyDownToOnceASecond() {
    var schedule = ReadinessSchedule(at: .at(0))
    var now = Instant.at(0)
    var gaps: [Int] = []
    for _ in 0..<14 {
      now = schedule.wakeUp
      schedule.begin(at: now)
      schedule.failed(at: now, "refused")
      gaps.append((schedule.wakeUp - now).milliseconds)
    }
    #expect(gaps == [100, 125, 156, 195, 244, 305, 381, 476, 596, 745, 931, 1000, 1000, 1000])
  }

  @Test func anAttemptWithoutAnswerIsAbandonedAndMadeAnew() {
    var story = Story { $0.readyTCP = 80 }
    _ = story.start()
    #expect(story.at(999, .timer) == [])
    #expect(story.at(1000, .timer) == [.abandonProbe, .probe])
    #expect(story.at(10_000, .timer) == [.abandonProbe, .probe])  // however late
  }

  @Test func aStopWhileStartingForwardsAtOnceAndRunsNoHook() {
    var story = Story {
      $0.readyTCP = 80
      $0.preStop = ["hook"]
      $0.readyHold = .seconds(5)
    }
    _ = story.start()
    #expect(story.at(10, .signal(.terminate)) == [.abandonProbe] + stopCommand)
    #expect(story.lifecycle.phase == .stopping && !story.isReady(at: 10))
    #expect(story.exit(at: 20).last == .exit(code: 3, flush: .milliseconds(500)))
    #expect(
      story.report.contains(
        "\"delay_ms\":0,\"delay_ended_by\":\"skipped\",\"drain_ms\":0,\"drain_ended_by\":\"skipped\""))
    #expect(story.report.contains("\"stop_signal\":\"TERM\",\"startup_timed_out\":false"))
    #expect(story.report.contains("\"pre_stop\":null"))
  }

  @Test func otherSignalsWhileStartingAreForwarded() {
    var story = Story { $0.readyTCP = 80 }
    _ = story.start()
    #expect(story.at(10, .signal(.interrupt)) == [.send(.interrupt, to: .command)])
    #expect(story.lifecycle.phase == .starting)
  }

  @Test func theCommandDiesWhileStarting() {
    var story = Story {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(1)
    }
    _ = story.start()
    #expect(story.exit(at: 10) == [.abandonProbe, .exit(code: 3, flush: .milliseconds(500))])
  }

  @Test func notReadyInTimeIsStoppedAnd124() {
    var story = Story {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(2)
      $0.remaps = [ExitCodeRemap(from: 124, to: 0), ExitCodeRemap(from: 3, to: 0)]
    }
    _ = story.start()
    _ = story.at(10, .probeFailed("refused"))
    #expect(story.at(2000, .timer) == stopCommand)
    #expect(story.wakeUp == 31_000)
    #expect(story.at(2500, .signal(.terminate)) == [])  // the stop is under way already
    #expect(story.wakeUp == 31_000)
    #expect(story.exit(at: 3000).last == .exit(code: 124, flush: .milliseconds(500)))
    #expect(story.report.contains("\"stop_signal\":null,\"startup_timed_out\":true"))
    #expect(story.report.contains("the command was not ready in time and was stopped"))
  }

  @Test func notReadyInTimeAndStubborn() {
    var story = Story {
      $0.readyTCP = 80
      ($0.startupTimeout, $0.grace) = (.seconds(2), .seconds(1))
    }
    _ = story.start()
    #expect(story.at(2000, .timer) == [.abandonProbe] + stopCommand)
    #expect(
      story.at(3000, .timer) == [
        .send(.kill, to: .command), .killChildren, .killDescendants(within: .milliseconds(20)),
      ])
    _ = story.at(3001, .commandExited(.killed(by: .kill, dumpedCore: false)))
    #expect(story.at(3001, .reapedAll(childrenRemain: false)) == [.exit(code: 124, flush: .milliseconds(500))])
    #expect(story.report.contains("\"killed\":true"))
  }

  @Test func notReadyInTimeGetsTheSignalOfAStop() {
    var story = Story {
      ($0.readyTCP, $0.startupTimeout, $0.stopSignals) = (80, .seconds(2), SignalSet([.quit]))
    }
    _ = story.start()
    #expect(
      story.at(2000, .timer) == [.abandonProbe, .send(.quit, to: .command), .send(.continue, to: .command)])
  }

  @Test func readyInTimeHasNoDeadline() {
    var story = Story {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(2)
    }
    _ = story.start()
    _ = story.at(1999, .probeSucceeded)
    #expect(story.wakeUp == nil)
    #expect(story.at(5000, .timer) == [])
  }

  @Test func readyEndsWithTheStopSignal() {
    var story = Story { _ in }
    _ = story.start()
    #expect(story.isReady(at: 0))
    _ = story.at(10, .signal(.terminate))
    #expect(!story.isReady(at: 10))
  }

  @Test func readyHoldIsBoundedByForwarding() {
    var story = Story { $0.readyHold = .seconds(3) }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    #expect(story.isReady(at: 2999) && !story.isReady(at: 3000))
    #expect(story.lifecycle.snapshot.isReady(at: .at(2999)) && !story.lifecycle.snapshot.isReady(at: .at(3000)))
    var long = Story { $0.readyHold = .seconds(60) }
    _ = long.start()
    _ = long.at(0, .signal(.terminate))
    #expect(long.isReady(at: 4999))
    _ = long.at(5000, .timer)
    #expect(!long.isReady(at: 5000))
  }

  @Test func readyHoldGoesOnInTheDrain() {
    var story = Story {
      ($0.preStop, $0.readyHold) = (["hook"], .seconds(8))
    }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(5000, .timer)
    #expect(story.lifecycle.phase == .draining && story.isReady(at: 7999) && !story.isReady(at: 8000))
    // The page tells of its end even if ebb comes late to it.
    var long = Story { ($0.preStop, $0.readyHold) = (["hook"], .seconds(60)) }
    _ = long.start()
    _ = long.at(0, .signal(.terminate))
    #expect(long.lifecycle.snapshot.readyUntil == .at(15_000))
  }
}

@Suite struct HookTests {
  @Test func besideTheDelay() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    #expect(story.at(0, .signal(.terminate)) == [.startHook(.terminate)])
    #expect(story.at(1000, .hookEnded(.exited(code: 4))) == [])
    #expect(story.wakeUp == 5000)
    #expect(story.at(5000, .timer) == stopCommand)
    _ = story.exit(at: 5001)
    #expect(story.report.contains("\"pre_stop\":{\"code\":4,\"signal\":null,\"killed\":false,\"ms\":1000}"))
  }

  @Test func theDrainWaitsForIt() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    #expect(story.at(5000, .timer) == [])
    #expect(story.lifecycle.phase == .draining && story.wakeUp == 15_000)
    #expect(story.at(7000, .hookEnded(.exited(code: 0))) == stopCommand)
    _ = story.exit(at: 7001)
    #expect(story.report.contains("\"drain_ms\":2000,\"drain_ended_by\":null"))
  }

  @Test func killedAtTheBound() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(5000, .timer)
    #expect(story.at(15_000, .timer) == [.killHook] + stopCommand)
    #expect(story.at(15_001, .hookEnded(.killed(by: .kill, dumpedCore: false))) == [])
    _ = story.exit(at: 15_002)
    #expect(story.report.contains("\"drain_ended_by\":\"bound\""))
    #expect(story.report.contains("\"pre_stop\":{\"code\":137,\"signal\":\"KILL\",\"killed\":true,\"ms\":15001}"))
  }

  @Test func theBoundLeavesTimeForTheGrace() {
    var story = Story {
      $0.preStop = ["hook"]
      $0.delay = .zero
      ($0.drainTimeout, $0.killMargin) = (.seconds(10), .seconds(1))
      $0.terminationGracePeriod = .seconds(6)
      $0.grace = .seconds(3)
    }
    _ = story.start()
    #expect(story.at(0, .signal(.terminate)) == [.startHook(.terminate)])
    #expect(story.wakeUp == 2000)
    #expect(story.at(2000, .timer) == [.killHook] + stopCommand)
    #expect(story.wakeUp == 5000)
  }

  @Test func failingToStartIsNoReasonToWait() {
    var story = Story {
      $0.preStop = ["hook"]
      $0.delay = .zero
    }
    _ = story.start()
    #expect(story.at(0, .signal(.terminate)) == [.startHook(.terminate)])
    #expect(story.at(0, .hookFailed(SpawnFailure(code: 127, message: "not found"))) == stopCommand)
    _ = story.exit(at: 1)
    #expect(story.report.contains("\"pre_stop\":{\"code\":127,"))
  }

  @Test func impatienceKillsIt() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    #expect(story.at(100, .signal(.interrupt)) == [.killHook] + stopCommand)
  }

  @Test func itIsALeftoverOfACommandThatExits() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(100, .commandExited(.exited(code: 0)))
    _ = story.at(100, .reapedAll(childrenRemain: true))
    #expect(
      story.at(100, .children([ChildProcess(pid: 8, group: 8)])) == [.signalLeftovers(.terminate, [.child(8)])])
    #expect(story.at(29_000, .timer) == [.killHook, .killChildren, .killDescendants(within: .milliseconds(20))])
    _ = story.at(29_001, .hookEnded(.killed(by: .kill, dumpedCore: false)))
    #expect(
      story.at(29_001, .reapedAll(childrenRemain: false)).last == .exit(code: 0, flush: Span(nanoseconds: 499_500_000)))
  }

  @Test func noHookWithoutAStop() {
    var story = Story { $0.preStop = ["hook"] }
    _ = story.start()
    #expect(story.at(1, .signal(.interrupt)) == [.send(.interrupt, to: .command)])
    #expect(story.exit(at: 2) == [.exit(code: 3, flush: .milliseconds(500))])
  }
}
