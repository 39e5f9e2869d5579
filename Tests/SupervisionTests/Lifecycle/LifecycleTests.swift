import LifecycleModel
import Testing

@testable import Supervision

/// One run, told as a story. Times are milliseconds since its start.
private struct Story {
  var lifecycle: Lifecycle

  init(_ change: (inout RunOptions) -> Void = { _ in }, hasTerminal: Bool = false) {
    var options = RunOptions()
    options.orchestrator = .kubernetes
    options.quiet = true  // the actions that matter here
    options.drain = .time  // DrainTests tell the rest
    change(&options)
    lifecycle = Lifecycle(options)
    _ = lifecycle.handle(.spawned(pid: 7, hasTerminal: hasTerminal), at: .at(0))
  }

  mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
    lifecycle.handle(event, at: .at(milliseconds)).filter { action in
      switch action {
      case .leaveMessage, .count, .findChildren, .findGroup: false
      default: true
      }
    }
  }

  var wakeUp: Int? { lifecycle.wakeUp.map { ($0 - .at(0)).milliseconds } }
}

@Suite struct LifecycleTests {
  @Test func aWholeStop() {
    var story = Story()
    #expect(story.lifecycle.phase == .serving)
    #expect(story.wakeUp == nil)
    #expect(story.at(1000, .signal(.terminate)) == [])
    #expect(story.lifecycle.phase == .delaying)
    #expect(story.wakeUp == 6000)
    #expect(story.at(5999, .timer) == [])
    #expect(story.at(6000, .timer) == stopCommand)
    #expect(story.lifecycle.phase == .stopping)
    #expect(story.wakeUp == 30_000)
    #expect(story.at(7000, .commandExited(.exited(code: 3))) == [])
    #expect(story.at(7000, .reapedAll(childrenRemain: false)) == [.exit(code: 3, flush: .milliseconds(500))])
    #expect(story.lifecycle.phase == .exited)
    #expect(story.wakeUp == nil)
    #expect(story.at(7001, .signal(.terminate)) == [])
  }

  @Test func killedAtTheDeadline() {
    var story = Story()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(5000, .timer)
    #expect(story.at(28_999, .timer) == [])
    let kill = story.at(29_000, .timer)
    #expect(
      kill.dropLast() == [
        .send(.kill, to: .command), .killChildren, .killDescendants(within: .milliseconds(20)),
      ])
    #expect(story.lifecycle.phase == .killing)
    #expect(story.at(29_001, .timer) == [.killChildren])  // those forked meanwhile
    _ = story.at(29_011, .commandExited(.killed(by: .kill, dumpedCore: false)))
    #expect(
      story.at(29_011, .reapedAll(childrenRemain: false)).last
        == .exit(code: 137, flush: Span(nanoseconds: 494_500_000)))
  }

  @Test func whatDoesNotDieIsGivenUp() {
    var story = Story()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(5000, .timer)
    _ = story.at(29_000, .timer)
    #expect(story.at(29_249, .timer) == [.killChildren])
    #expect(
      story.at(29_250, .timer) == [.killChildren, .killDescendants(within: .milliseconds(125))])
    #expect(story.at(29_499, .timer) == [.killChildren])
    #expect(story.at(29_500, .timer) == [.killChildren, .lookForSurvivors])
    #expect(story.wakeUp == nil)
    let end = story.at(29_500, .survivors([survivor(8, "D")].compactMap { $0 }, isInit: true))
    #expect(end.last == .exit(code: 137, flush: .milliseconds(250)))
    #expect(
      reported(end) == ["process 8 (app) has not died of SIGKILL: it is in uninterruptible sleep; ebb exits without it"]
    )
  }

  /// Process 1 takes all others with it. A subreaper leaves them behind.
  @Test func whatOnlyTakesItsTimeIsNotCalledUnkillable() {
    for (isInit, states, sentences) in [
      (true, "RSZ", 0), (true, "RD", 1), (false, "S", 1), (false, "", 0), (false, "Z", 0),
    ] {
      var story = Story()
      _ = story.at(0, .signal(.terminate))
      _ = story.at(29_000, .timer)
      _ = story.at(29_500, .timer)
      let survivors = states.compactMap { survivor(8, "\($0)") }
      let end = story.at(29_500, .survivors(survivors, isInit: isInit))
      #expect(reported(end).count == sentences, "\(states)")
      #expect(end.last == .exit(code: 137, flush: .milliseconds(250)))
    }
  }

  private func survivor(_ pid: Int32, _ state: String) -> Survivor? {
    Survivor(stat: Array("\(pid) (app) \(state) 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 8675309 1000 20".utf8))
  }

  private func reported(_ actions: [Action]) -> [String] {
    actions.compactMap { if case .log(let record) = $0, record.event == "unkillable" { record.message } else { nil } }
  }

  /// ebb was stopped, or frozen with its container: dying takes its time after that too, and so does the report.
  @Test func patienceCountsFromTheSignalThatWasSent() {
    for (margin, patience) in [(Span.seconds(1), 500), (.zero, 100)] {
      var story = Story { $0.killMargin = margin }
      _ = story.at(0, .signal(.terminate))
      _ = story.at(5000, .timer)
      #expect(story.at(40_000, .timer).contains(.killChildren))
      #expect(story.at(40_000 + patience / 2 - 1, .timer) == [.killChildren])
      #expect(story.at(40_000 + patience - 1, .timer).first == .killChildren)
      #expect(story.at(40_000 + patience, .timer) == [.killChildren, .lookForSurvivors])
      let end = story.at(40_000 + patience, .survivors([], isInit: false))
      #expect(end.last == .exit(code: 137, flush: .milliseconds(100)))
    }
  }

  @Test func withoutItsCoreTheCommandIsStoppedInOrder() {
    var story = Story { $0.preStop = ["hook"] }
    #expect(
      story.at(1000, .coreFailed("timerfd_create: Cannot allocate memory")).filter(isSend) == [
        .send(.terminate, to: .command), .send(.continue, to: .command),
      ])
    #expect(story.wakeUp == 30_000)
    _ = story.at(1100, .commandExited(.exited(code: 3)))
    #expect(
      story.at(1100, .reapedAll(childrenRemain: false)).last == .exit(code: 125, flush: .milliseconds(500)))

    // In a stop that is under way its deadline stays.
    var late = Story()
    _ = late.at(0, .signal(.terminate))
    #expect(late.at(1000, .coreFailed("epoll_ctl: …")).filter(isSend).first == .send(.terminate, to: .command))
    #expect(late.wakeUp == 29_000)

    // A command that has exited is sent nothing.
    var over = Story()
    _ = over.at(0, .commandExited(.exited(code: 3)))
    #expect(over.at(0, .coreFailed("epoll_ctl: …")).filter(isSend) == [])
    #expect(over.at(0, .reapedAll(childrenRemain: false)).last == .exit(code: 125, flush: .milliseconds(500)))
  }

  private func isSend(_ action: Action) -> Bool { if case .send = action { true } else { false } }

  @Test func graceBringsTheKillForwardAndNeverBack() {
    var early = Story { $0.grace = .seconds(2) }
    _ = early.at(0, .signal(.terminate))
    _ = early.at(5000, .timer)
    #expect(early.wakeUp == 7000)
    var late = Story { $0.grace = .seconds(200) }
    _ = late.at(0, .signal(.terminate))
    _ = late.at(5000, .timer)
    #expect(late.wakeUp == 29_000)
  }

  @Test func noDelayForwardsAtOnce() {
    var story = Story { $0.delay = .zero }
    #expect(story.at(5, .signal(.terminate)) == stopCommand)
    #expect(story.lifecycle.phase == .stopping)
  }

  @Test func aSecondStopSignalChangesNothing() {
    var story = Story { $0.stopSignals = SignalSet([.terminate, .quit]) }
    _ = story.at(0, .signal(.terminate))
    for time in [1, 4000] {
      #expect(story.at(time, .signal(.terminate)) == [])
      #expect(story.at(time, .signal(.quit)) == [])  // listed: a stop signal, and nothing else
      #expect(story.wakeUp == 5000)
    }
    #expect(story.at(5000, .timer) == stopCommand)
    #expect(story.at(6000, .signal(.terminate)) == [])
    #expect(story.wakeUp == 29_000)
  }

  @Test func theStopSignalThatCameIsTheOneThatGoes() {
    var story = Story {
      $0.stopSignals = SignalSet([.terminate, .quit])
      $0.rewrites.add(from: .quit, to: .hangup)
      $0.signalsGroup = true
    }
    _ = story.at(0, .signal(.quit))
    #expect(story.at(5000, .timer) == [.send(.hangup, to: .group), .send(.continue, to: .group)])
  }

  @Test func aDroppedStopSignalLeavesTheDeadlines() {
    var story = Story { $0.rewrites.add(from: .terminate, to: nil) }
    _ = story.at(0, .signal(.terminate))
    #expect(story.at(5000, .timer) == [])
    #expect(story.at(29_000, .timer).first == .send(.kill, to: .command))
  }

  @Test func `SIGINT in the delay ends it, and the command gets the stop signal alone`() {
    var story = Story()
    #expect(story.at(0, .signal(.interrupt)) == [.send(.interrupt, to: .command)])  // before a stop, no deadline
    #expect(story.wakeUp == nil)
    _ = story.at(10, .signal(.terminate))
    #expect(story.at(20, .signal(.interrupt)) == stopCommand)
    #expect(story.at(30, .signal(.interrupt)) == [.send(.interrupt, to: .command)])
    #expect(story.wakeUp == 29_010)
  }

  @Test func `SIGQUIT in the delay is forwarded and ends nothing`() {
    var story = Story()
    _ = story.at(10, .signal(.terminate))
    #expect(story.at(20, .signal(.quit)) == [.send(.quit, to: .command)])
    #expect(story.lifecycle.phase == .delaying)
    #expect(story.wakeUp == 5010)
  }

  @Test func otherSignalsPassThroughInEveryPhase() {
    var story = Story { $0.rewrites.add(from: .user2, to: nil) }
    #expect(story.at(0, .signal(.user1)) == [.send(.user1, to: .command)])
    #expect(story.at(0, .signal(.user2)) == [])
    _ = story.at(0, .signal(.terminate))
    #expect(story.at(1, .signal(.hangup)) == [.send(.hangup, to: .command)])
    _ = story.at(5000, .timer)
    #expect(story.at(5001, .signal(.hangup)) == [.send(.hangup, to: .command)])
  }

  @Test func theShortWayOfASignalIsTheLongOne() {
    let changes: [(inout RunOptions) -> Void] = [
      { _ in }, { $0.signalsGroup = true }, { $0.rewrites.add(from: .hangup, to: .quit) },
      { $0.rewrites.add(from: .hangup, to: nil) }, { $0.stopSignals = SignalSet([.quit, .user1]) },
    ]
    var shortWays = 0
    for change in changes {
      for signal in SignalSet.all.signals {
        var story = Story(change)
        guard let (sent, target) = story.lifecycle.passesOn(signal) else { continue }
        shortWays += 1
        #expect(story.at(0, .signal(signal)) == [.send(sent, to: target)])
        #expect(story.wakeUp == nil)
        _ = story.at(0, .signal(.terminate))
        _ = story.at(0, .signal(.quit))
        #expect(story.lifecycle.passesOn(signal) == nil)  // in a stop everything takes the long way
      }
    }
    #expect(shortWays > 300)
    var talkative = Story { ($0.quiet, $0.verboseCount) = (false, 1) }
    #expect(talkative.lifecycle.passesOn(.hangup) != nil)
    talkative = Story { ($0.quiet, $0.verboseCount) = (false, 2) }
    #expect(talkative.lifecycle.passesOn(.hangup) == nil)  // there is a line to write
    var withTerminal = Story(hasTerminal: true)
    #expect(withTerminal.lifecycle.passesOn(.continue) == nil)
  }

  @Test func theCommandsExitEndsTheDelay() {
    var story = Story()
    _ = story.at(0, .signal(.terminate))
    _ = story.at(5000, .commandExited(.killed(by: .terminate, dumpedCore: false)))  // in the very moment the delay ends
    #expect(story.lifecycle.phase == .stopping)
    #expect(story.at(5000, .reapedAll(childrenRemain: false)) == [.exit(code: 143, flush: .milliseconds(500))])
  }

  @Test func exitCodesAreRemapped() {
    var story = Story { $0.remaps = [ExitCodeRemap(from: 143, to: 0)] }
    _ = story.at(0, .commandExited(.killed(by: .terminate, dumpedCore: false)))
    #expect(story.at(0, .reapedAll(childrenRemain: false)) == [.exit(code: 0, flush: .milliseconds(500))])
  }

  @Test func spawnFailureIsSaidAndEndsTheRun() {
    var options = RunOptions()
    options.remaps = [ExitCodeRemap(from: 127, to: 0)]  // the command's codes, not ebb's own
    var lifecycle = Lifecycle(options)
    let actions = lifecycle.handle(
      .spawnFailed(SpawnFailure(code: 127, message: "cannot execute \"a\": gone")), at: .at(0))
    #expect(actions.count == 3)  // the line, the same as the container's last message, and the exit
    #expect(actions.last == .exit(code: 127, flush: .milliseconds(500)))
    #expect(lifecycle.phase == .exited)
  }

  @Test func jobControlOnlyWithTheTerminalAndOutsideAStop() {
    var withTerminal = Story(hasTerminal: true)
    for signal in [Signal.terminalStop, .terminalInput, .terminalOutput] {
      #expect(withTerminal.at(0, .commandStopped(by: signal)) == [.suspend])
    }
    #expect(withTerminal.at(0, .signal(.continue)) == [.send(.continue, to: .group)])
    #expect(withTerminal.at(0, .signal(.hangup)) == [.send(.hangup, to: .command)])
    _ = withTerminal.at(0, .signal(.terminate))
    #expect(withTerminal.at(1, .commandStopped(by: .terminalStop)) == [])
    var stopped = Story(hasTerminal: true)
    #expect(stopped.at(0, .commandStopped(by: Signal(number: 19)!)) == [])  // SIGSTOP: somebody meant it
    var without = Story()
    #expect(without.at(0, .commandStopped(by: .terminalStop)) == [])
    #expect(without.at(0, .signal(.continue)) == [.send(.continue, to: .command)])
  }

  @Test func reapedOrphansAreCountedAndNamedOnRequest() throws {
    var story = Story { $0.warnsReaped = true }
    let actions = story.at(0, .orphanReaped(pid: 99, .exited(code: 1)))
    guard case .log(let record) = try #require(actions.first) else { throw UsageError(message: "no log line") }
    #expect(record.level == .warning)
    #expect(String(decoding: record.line(.text, unixMilliseconds: 0), as: UTF8.self).contains("pid=99"))
  }

  /// What the event loop leaves out for an orphan of a command that runs is what would change nothing.
  @Test func anOrphanIsOnlyCountedWhereItsEventDoesNothingElse() {
    for (warns, verbosity) in [(false, 0), (false, 1), (false, 2), (true, 0)] {
      var options = RunOptions()
      (options.warnsReaped, options.verboseCount, options.signalsGroup) = (warns, verbosity, true)
      var counted = Lifecycle(options)
      _ = counted.handle(.spawned(pid: 7, hasTerminal: false), at: .at(0))
      for stops in [false, true] {
        if stops {
          _ = counted.handle(.signal(.terminate), at: .at(1))
          _ = counted.handle(.timer, at: .at(40_000))
          _ = counted.handle(.children([ChildProcess(pid: 9, group: 7)]), at: .at(40_000))
          _ = counted.handle(.groupMembers([7, 9]), at: .at(40_000))
        }
        var told = counted
        let isOnlyCounted = counted.onlyCounts(orphan: 9)
        #expect(isOnlyCounted == (!warns && verbosity < 2))
        let actions = told.handle(.orphanReaped(pid: 9, .exited(code: 0)), at: .at(stops ? 40_000 : 1))
        guard isOnlyCounted else {
          #expect(actions.count == 1)
          counted = told
          continue
        }
        #expect(actions == [])
        #expect(told.handle(.reapedAll(childrenRemain: true), at: .at(stops ? 40_000 : 1)) == [])
        #expect("\(told)" == "\(counted)")
      }
      _ = counted.handle(.commandExited(.exited(code: 0)), at: .at(40_001))
      let isOnlyCounted = counted.onlyCounts(orphan: 10)
      #expect(!isOnlyCounted, "it may be a leftover")
    }
  }

  @Test func silentUntilAStopThenOneLineAPhase() {
    var options = RunOptions()
    options.delay = .seconds(5)
    options.drain = .time
    var lifecycle = Lifecycle(options)
    func events(_ actions: [Action]) -> [String] {
      actions.compactMap { if case .log(let record) = $0 { record.event } else { nil } }
    }
    #expect(events(lifecycle.handle(.spawned(pid: 7, hasTerminal: false), at: .at(0))) == [])
    #expect(events(lifecycle.handle(.signal(.hangup), at: .at(0))) == [])
    #expect(events(lifecycle.handle(.orphanReaped(pid: 9, .exited(code: 0)), at: .at(0))) == [])
    #expect(events(lifecycle.handle(.signal(.terminate), at: .at(0))) == ["stop-signal", "delaying"])
    #expect(events(lifecycle.handle(.signal(.terminate), at: .at(1))) == ["repeated-stop-signal"])
    #expect(events(lifecycle.handle(.timer, at: .at(5000))) == ["stopping"])
    #expect(events(lifecycle.handle(.timer, at: .at(29_000))) == ["killing"])
    _ = lifecycle.handle(.commandExited(.killed(by: .kill, dumpedCore: false)), at: .at(29_001))
    let last = lifecycle.handle(.reapedAll(childrenRemain: false), at: .at(29_001))
    #expect(events(last) == ["exited"])
    guard case .log(let report) = last[0] else { return }
    #expect(
      String(decoding: report.line(.json, unixMilliseconds: 0), as: UTF8.self).hasSuffix(
        "\"event\":\"exited\",\"code\":137,\"signal\":\"KILL\",\"killed\":true,\"stop_signal\":\"TERM\",\"startup_timed_out\":false,\"delay_ms\":5000,"
          + "\"delay_ended_by\":\"time\",\"drain_ms\":0,\"drain_ended_by\":null,\"stop_ms\":24001,\"stop_ended_by\":\"deadline\","
          + "\"in_flight\":{\"at_stop\":null,\"at_forward\":null,\"at_kill\":null},\"connections_after_stop\":null,"
          + "\"last_connection_ms\":null,\"last_request_ms\":null,\"advice\":null,"
          + "\"pre_stop\":null,\"leftovers\":null,\"oom_kills\":null,\"reaped\":1,\"msg\":\"the command did not stop in time and was killed at the deadline\"}\n"
      ))
  }
}
