import LifecycleModel
import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

@Suite struct LifecycleTests {
  @Test func `a graceful stop waits for the delay, forwards SIGTERM and exits with the command's code`() {
    var scenario = Scenario.quiet()
    #expect(scenario.lifecycle.phase == .serving)
    #expect(scenario.wakeUp == nil)
    #expect(scenario.at(1000, .signal(.sigterm)) == [])
    #expect(scenario.lifecycle.phase == .delaying)
    #expect(scenario.wakeUp == 6000)
    #expect(scenario.at(5999, .timer) == [])
    #expect(scenario.at(6000, .timer) == stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.wakeUp == 30_000)
    #expect(scenario.exit(.exited(code: 3), at: 7000) == [.exit(code: 3, flush: .milliseconds(500))])
    #expect(scenario.lifecycle.phase == .exited)
    #expect(scenario.wakeUp == nil)
    #expect(scenario.at(7001, .signal(.sigterm)) == [])
  }

  @Test func `a command that runs at the deadline gets SIGKILL, and its descendants too`() {
    var scenario = Scenario.quiet()
    scenario.at(0, .signal(.sigterm))
    scenario.at(5000, .timer)
    #expect(scenario.at(28_999, .timer) == [])
    #expect(
      scenario.at(29_000, .timer) == [
        .send(.sigkill, to: .command), .killChildren, .killDescendants(within: .milliseconds(20)),
      ])
    #expect(scenario.lifecycle.phase == .killing)
    #expect(scenario.at(29_001, .timer) == [.killChildren])  // those forked since
    #expect(
      scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 29_011).last
        == .exit(code: 137, flush: TimeAmount(nanoseconds: 494_500_000)))
  }

  @Test func `ebb exits half a kill margin after SIGKILL when a process does not die`() {
    var scenario = Scenario.quiet()
    scenario.at(0, .signal(.sigterm))
    scenario.at(5000, .timer)
    scenario.at(29_000, .timer)
    #expect(scenario.at(29_249, .timer) == [.killChildren])
    #expect(
      scenario.at(29_250, .timer) == [.killChildren, .killDescendants(within: .milliseconds(125))])
    #expect(scenario.at(29_499, .timer) == [.killChildren])
    #expect(scenario.at(29_500, .timer) == [.killChildren, .lookForSurvivors])
    #expect(scenario.wakeUp == nil)
    let end = scenario.at(29_500, .survivors([survivor(8, "D")].compactMap { $0 }, isInit: true))
    #expect(end.last == .exit(code: 137, flush: .milliseconds(250)))
    #expect(
      scenario.records.last?.message
        == "process 8 (app) survived SIGKILL: it is in uninterruptible sleep; exiting anyway"
    )
  }

  /// The exit of PID 1 ends all other processes; a subreaper leaves them behind.
  @Test func `as PID 1 only processes in uninterruptible sleep are reported as surviving SIGKILL`() {
    for (isInit, states, sentences) in [
      (true, "RSZ", 0), (true, "RD", 1), (false, "S", 1), (false, "", 0), (false, "Z", 0),
    ] {
      var scenario = Scenario.quiet()
      scenario.at(0, .signal(.sigterm))
      scenario.at(29_000, .timer)
      scenario.at(29_500, .timer)
      let survivors = states.compactMap { survivor(8, "\($0)") }
      let end = scenario.at(29_500, .survivors(survivors, isInit: isInit))
      #expect(scenario.count("unkillable") == sentences, "\(states)")
      #expect(end.last == .exit(code: 137, flush: .milliseconds(250)))
    }
  }

  private func survivor(_ pid: Int32, _ state: String) -> Survivor? {
    Survivor(stat: Array("\(pid) (app) \(state) 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 8675309 1000 20".utf8))
  }

  /// ebb may have been stopped or frozen across the deadline; the processes need the time to die nevertheless.
  @Test func `half the kill margin, at least 100 ms, counts from the moment of SIGKILL`() {
    for (margin, patience) in [(TimeAmount.seconds(1), 500), (.zero, 100)] {
      var scenario = Scenario.quiet { $0.killMargin = margin }
      scenario.at(0, .signal(.sigterm))
      scenario.at(5000, .timer)
      #expect(scenario.at(40_000, .timer).contains(.killChildren))
      #expect(scenario.at(40_000 + patience / 2 - 1, .timer) == [.killChildren])
      #expect(scenario.at(40_000 + patience - 1, .timer).first == .killChildren)
      #expect(scenario.at(40_000 + patience, .timer) == [.killChildren, .lookForSurvivors])
      let end = scenario.at(40_000 + patience, .survivors([], isInit: false))
      #expect(end.last == .exit(code: 137, flush: .milliseconds(100)))
    }
  }

  @Test func `a failed event loop stops the command without delay and exits with 125`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    #expect(
      scenario.at(1000, .coreFailed("timerfd_create: Cannot allocate memory")).filter(isSend) == [
        .send(.sigterm, to: .command), .send(.sigcont, to: .command),
      ])
    #expect(scenario.wakeUp == 30_000)
    #expect(
      scenario.exit(.exited(code: 3), at: 1100).last == .exit(code: 125, flush: .milliseconds(500)))

    // A stop that has begun keeps its deadline.
    var late = Scenario.quiet()
    late.at(0, .signal(.sigterm))
    #expect(late.at(1000, .coreFailed("epoll_ctl: …")).filter(isSend).first == .send(.sigterm, to: .command))
    #expect(late.wakeUp == 29_000)

    // Nothing is sent to a command that has exited.
    var over = Scenario.quiet()
    over.at(0, .commandExited(.exited(code: 3)))
    #expect(over.at(0, .coreFailed("epoll_ctl: …")).filter(isSend) == [])
    #expect(over.at(0, .reapedAll(childrenRemain: false)).last == .exit(code: 125, flush: .milliseconds(500)))
  }

  private func isSend(_ action: Action) -> Bool { if case .send = action { true } else { false } }

  @Test func `--grace brings SIGKILL forward and never back`() {
    var early = Scenario.quiet { $0.grace = .seconds(2) }
    early.at(0, .signal(.sigterm))
    early.at(5000, .timer)
    #expect(early.wakeUp == 7000)
    var late = Scenario.quiet { $0.grace = .seconds(200) }
    late.at(0, .signal(.sigterm))
    late.at(5000, .timer)
    #expect(late.wakeUp == 29_000)
  }

  @Test func `with a delay of 0 the stop signal is forwarded immediately`() {
    var scenario = Scenario.quiet { $0.delay = .zero }
    #expect(scenario.at(5, .signal(.sigterm)) == stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
  }

  @Test func `a second stop signal is not forwarded and moves no deadline`() {
    var scenario = Scenario.quiet { $0.stopSignals = SignalSet([.sigterm, .sigquit]) }
    scenario.at(0, .signal(.sigterm))
    for time in [1, 4000] {
      #expect(scenario.at(time, .signal(.sigterm)) == [])
      #expect(scenario.at(time, .signal(.sigquit)) == [])  // listed, so it is a stop signal and is not forwarded itself
      #expect(scenario.wakeUp == 5000)
    }
    #expect(scenario.at(5000, .timer) == stopCommand)
    #expect(scenario.at(6000, .signal(.sigterm)) == [])
    #expect(scenario.wakeUp == 29_000)
  }

  @Test func `the stop signal that arrived is the one that is forwarded`() {
    var scenario = Scenario.quiet {
      $0.stopSignals = SignalSet([.sigterm, .sigquit])
      $0.rewrites.add(from: .sigquit, to: .sighup)
      $0.targetsProcessGroup = true
    }
    scenario.at(0, .signal(.sigquit))
    #expect(scenario.at(5000, .timer) == [.send(.sighup, to: .commandGroup), .send(.sigcont, to: .commandGroup)])
  }

  @Test func `a stop signal that --rewrite drops leaves the deadline of SIGKILL`() {
    var scenario = Scenario.quiet { $0.rewrites.add(from: .sigterm, to: nil) }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(5000, .timer) == [])
    #expect(scenario.at(29_000, .timer).first == .send(.sigkill, to: .command))
  }

  @Test func `SIGINT in the delay forwards the stop signal and not itself`() {
    var scenario = Scenario.quiet()
    #expect(scenario.at(0, .signal(.sigint)) == [.send(.sigint, to: .command)])  // before a stop it sets no deadline
    #expect(scenario.wakeUp == nil)
    scenario.at(10, .signal(.sigterm))
    #expect(scenario.at(20, .signal(.sigint)) == stopCommand)
    #expect(scenario.at(30, .signal(.sigint)) == [.send(.sigint, to: .command)])
    #expect(scenario.wakeUp == 29_010)
  }

  @Test func `SIGQUIT in the delay is forwarded and does not end the delay`() {
    var scenario = Scenario.quiet()
    scenario.at(10, .signal(.sigterm))
    #expect(scenario.at(20, .signal(.sigquit)) == [.send(.sigquit, to: .command)])
    #expect(scenario.lifecycle.phase == .delaying)
    #expect(scenario.wakeUp == 5010)
  }

  @Test func `a signal that begins no stop is forwarded in every phase`() {
    var scenario = Scenario.quiet { $0.rewrites.add(from: .sigusr2, to: nil) }
    #expect(scenario.at(0, .signal(.sigusr1)) == [.send(.sigusr1, to: .command)])
    #expect(scenario.at(0, .signal(.sigusr2)) == [])
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(1, .signal(.sighup)) == [.send(.sighup, to: .command)])
    scenario.at(5000, .timer)
    #expect(scenario.at(5001, .signal(.sighup)) == [.send(.sighup, to: .command)])
  }

  @Test func `the fast path forwards exactly what the full path would`() {
    let changes: [(inout RunOptions) -> Void] = [
      { _ in }, { $0.targetsProcessGroup = true }, { $0.rewrites.add(from: .sighup, to: .sigquit) },
      { $0.rewrites.add(from: .sighup, to: nil) }, { $0.stopSignals = SignalSet([.sigquit, .sigusr1]) },
    ]
    var shortWays = 0
    for change in changes {
      for signal in SignalSet.all.signals {
        var scenario = Scenario.quiet(change)
        guard let (sent, target) = scenario.lifecycle.forwardImmediately(signal) else { continue }
        shortWays += 1
        #expect(scenario.at(0, .signal(signal)) == [.send(sent, to: target)])
        #expect(scenario.wakeUp == nil)
        scenario.at(0, .signal(.sigterm))
        scenario.at(0, .signal(.sigquit))
        #expect(scenario.lifecycle.forwardImmediately(signal) == nil)  // not in a stop
      }
    }
    #expect(shortWays > 300)
    var talkative = Scenario.quiet { ($0.quiet, $0.verboseCount) = (false, 1) }
    #expect(talkative.lifecycle.forwardImmediately(.sighup) != nil)
    talkative = Scenario.quiet { ($0.quiet, $0.verboseCount) = (false, 2) }
    #expect(talkative.lifecycle.forwardImmediately(.sighup) == nil)  // a line is logged
    var withTerminal = Scenario.quiet(hasTerminal: true)
    #expect(withTerminal.lifecycle.forwardImmediately(.sigcont) == nil)
  }

  @Test func `an exit of the command at the end of the delay wins over the forwarding`() {
    var scenario = Scenario.quiet()
    scenario.at(0, .signal(.sigterm))
    // At the very end of the delay.
    scenario.at(5000, .commandExited(.killed(by: .sigterm, dumpedCore: false)))
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(scenario.at(5000, .reapedAll(childrenRemain: false)) == [.exit(code: 143, flush: .milliseconds(500))])
  }

  @Test func `--remap-exit applies to the code of a killed command`() {
    var scenario = Scenario.quiet { $0.exitCodeRemaps = [ExitCodeRemap(from: 143, to: 0)] }
    #expect(
      scenario.exit(.killed(by: .sigterm, dumpedCore: false), at: 0) == [.exit(code: 0, flush: .milliseconds(500))])
  }

  @Test func `a command that cannot be started is reported and ends the run with its code`() {
    var options = RunOptions()
    options.exitCodeRemaps = [ExitCodeRemap(from: 127, to: 0)]  // applies to the command's codes, not to ebb's own
    var lifecycle = Lifecycle(options)
    let actions = lifecycle.handle(
      .spawnFailed(SpawnFailure(code: 127, message: "cannot execute \"a\": gone")), at: .at(0))
    #expect(actions.count == 3)  // the log line, the termination message and the exit
    #expect(actions.last == .exit(code: 127, flush: .milliseconds(500)))
    #expect(lifecycle.phase == .exited)
  }

  @Test func `ebb suspends itself with its command only on a terminal and outside a stop`() {
    var withTerminal = Scenario.quiet(hasTerminal: true)
    for signal in [Signal.sigtstp, .sigttin, .sigttou] {
      #expect(withTerminal.at(0, .commandStopped(by: signal)) == [.suspend])
    }
    #expect(withTerminal.at(0, .signal(.sigcont)) == [.send(.sigcont, to: .commandGroup)])
    #expect(withTerminal.at(0, .signal(.sighup)) == [.send(.sighup, to: .command)])
    withTerminal.at(0, .signal(.sigterm))
    #expect(withTerminal.at(1, .commandStopped(by: .sigtstp)) == [])
    var stopped = Scenario.quiet(hasTerminal: true)
    #expect(stopped.at(0, .commandStopped(by: .stop)) == [])  // SIGSTOP: sent on purpose
    var without = Scenario.quiet()
    #expect(without.at(0, .commandStopped(by: .sigtstp)) == [])
    #expect(without.at(0, .signal(.sigcont)) == [.send(.sigcont, to: .command)])
  }

  @Test func `--warn-reaped logs the pid of each reaped orphan`() {
    var scenario = Scenario.quiet { $0.logsReapedOrphans = true }
    scenario.at(0, .orphanReaped(pid: 99, .exited(code: 1)))
    #expect(scenario.line("reaped")?.hasPrefix(#""level":"warning""#) == true)
    #expect(scenario.line("reaped")?.contains("pid=99") == true)
  }

  /// The event loop skips the event of an orphan only if that would change nothing.
  @Test func `an orphan of a running command is only counted if its event would do nothing else`() {
    for (warns, verbosity) in [(false, 0), (false, 1), (false, 2), (true, 0)] {
      var options = RunOptions()
      (options.logsReapedOrphans, options.verboseCount, options.targetsProcessGroup) = (warns, verbosity, true)
      var counted = Lifecycle(options)
      _ = counted.handle(.spawned(pid: 7, hasTerminal: false), at: .at(0))
      for stops in [false, true] {
        if stops {
          _ = counted.handle(.signal(.sigterm), at: .at(1))
          _ = counted.handle(.timer, at: .at(40_000))
          _ = counted.handle(.children([ChildProcess(pid: 9, group: 7)]), at: .at(40_000))
          _ = counted.handle(.groupMembers([7, 9]), at: .at(40_000))
        }
        var handled = counted
        let isOnlyCounted = counted.onlyCounts(orphan: 9)
        #expect(isOnlyCounted == (!warns && verbosity < 2))
        let actions = handled.handle(.orphanReaped(pid: 9, .exited(code: 0)), at: .at(stops ? 40_000 : 1))
        guard isOnlyCounted else {
          #expect(actions.count == 1)
          counted = handled
          continue
        }
        #expect(actions == [])
        #expect(handled.handle(.reapedAll(childrenRemain: true), at: .at(stops ? 40_000 : 1)) == [])
        #expect("\(handled)" == "\(counted)")
      }
      _ = counted.handle(.commandExited(.exited(code: 0)), at: .at(40_001))
      let isOnlyCounted = counted.onlyCounts(orphan: 10)
      #expect(!isOnlyCounted, "it may be a leftover")
    }
  }

  @Test func `nothing is logged before a stop, then one line per phase`() {
    var scenario = Scenario { ($0.delay, $0.drain) = (.seconds(5), .time) }
    func events(_ milliseconds: Int, _ event: Event) -> [String] {
      let before = scenario.records.count
      scenario.at(milliseconds, event)
      return scenario.records[before...].map { $0.event }
    }
    #expect(scenario.records.isEmpty)
    #expect(events(0, .signal(.sighup)) == [])
    #expect(events(0, .orphanReaped(pid: 9, .exited(code: 0))) == [])
    #expect(events(0, .signal(.sigterm)) == ["stop-signal", "delaying"])
    #expect(events(1, .signal(.sigterm)) == ["repeated-stop-signal"])
    #expect(events(5000, .timer) == ["stopping"])
    #expect(events(29_000, .timer) == ["killing"])
    #expect(events(29_001, .commandExited(.killed(by: .sigkill, dumpedCore: false))) == [])
    #expect(events(29_001, .reapedAll(childrenRemain: false)) == ["exited"])
    #expect(scenario.records.last?.json == scenario.report)
    let fields =
      #""event":"exited","code":137,"signal":"KILL","killed":true,"stop_signal":"TERM","startup_timed_out":false,"#
      + #""delay_ms":5000,"delay_ended_by":"time","drain_ms":0,"drain_ended_by":null,"stop_ms":24001,"#
      + #""stop_ended_by":"deadline","in_flight":{"at_stop":null,"at_forward":null,"at_kill":null},"#
      + #""connections_after_stop":null,"last_connection_ms":null,"last_request_ms":null,"advice":null,"#
      + #""pre_stop":null,"leftovers":null,"oom_kills":null,"reaped":1,"#
      + #""msg":"the command did not stop in time and was killed at the deadline"}"#
    #expect(scenario.report.hasSuffix(fields + "\n"))
  }
}
