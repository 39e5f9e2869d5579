import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// Readiness, and how it changes a stop.
@Suite struct ReadinessTests {
  @Test func `a command is probed until it is ready, and not again`() {
    var scenario = Scenario.quiet(start: nil) { $0.readyTCP = 80 }
    #expect(scenario.at(0, .spawned(pid: 7, hasTerminal: false)) == [.probe])
    #expect(scenario.lifecycle.phase == .starting)
    #expect(!scenario.lifecycle.isReady(at: .at(0)))
    #expect(!scenario.lifecycle.snapshot.isReady)
    #expect(scenario.at(1, .probeFailed("refused")) == [])
    #expect(scenario.wakeUp == 100)
    #expect(scenario.at(100, .timer) == [.probe])
    #expect(scenario.wakeUp == 1100)  // the time limit of the probe
    #expect(scenario.at(150, .probeSucceeded) == [])
    #expect(scenario.lifecycle.phase == .serving)
    #expect(scenario.lifecycle.isReady(at: .at(150)))
    #expect(scenario.wakeUp == nil)
    #expect(scenario.at(200, .probeFailed("late")) == [])
    #expect(scenario.lifecycle.phase == .serving)
  }

  @Test func `readiness probes slow down from 100 ms to one a second`() {
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

  @Test func `a readiness probe without a response is abandoned after a second and repeated`() {
    var scenario = Scenario.quiet { $0.readyTCP = 80 }
    #expect(scenario.at(999, .timer) == [])
    #expect(scenario.at(1000, .timer) == [.abandonProbe, .probe])
    #expect(scenario.at(10_000, .timer) == [.abandonProbe, .probe])  // also when ebb is late
  }

  @Test func `a stop while starting forwards the stop signal immediately and runs no hook`() {
    var scenario = Scenario.quiet {
      $0.readyTCP = 80
      $0.preStop = ["hook"]
      $0.readyHold = .seconds(5)
    }
    #expect(scenario.at(10, .signal(.sigterm)) == [.abandonProbe] + stopCommand)
    #expect(scenario.lifecycle.phase == .stopping)
    #expect(!scenario.lifecycle.isReady(at: .at(10)))
    #expect(scenario.exit(.exited(code: 3), at: 20).last == .exit(code: 3, flush: .milliseconds(500)))
    #expect(
      scenario.report.contains(
        #""delay_ms":0,"delay_ended_by":"skipped","drain_ms":0,"drain_ended_by":"skipped""#))
    #expect(scenario.report.contains(#""stop_signal":"TERM","startup_timed_out":false"#))
    #expect(scenario.report.contains(#""pre_stop":null"#))
  }

  @Test func `a signal that begins no stop is forwarded while starting`() {
    var scenario = Scenario.quiet { $0.readyTCP = 80 }
    #expect(scenario.at(10, .signal(.sigint)) == [.send(.sigint, to: .command)])
    #expect(scenario.lifecycle.phase == .starting)
  }

  @Test func `a command that exits while starting ends the run with its code`() {
    var scenario = Scenario.quiet {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(1)
    }
    #expect(scenario.exit(.exited(code: 3), at: 10) == [.abandonProbe, .exit(code: 3, flush: .milliseconds(500))])
  }

  @Test func `a command that is not ready in time is stopped, and ebb exits with 124`() {
    var scenario = Scenario.quiet {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(2)
      $0.exitCodeRemaps = [ExitCodeRemap(from: 124, to: 0), ExitCodeRemap(from: 3, to: 0)]
    }
    scenario.at(10, .probeFailed("refused"))
    #expect(scenario.at(2000, .timer) == stopCommand)
    #expect(scenario.wakeUp == 31_000)
    #expect(scenario.at(2500, .signal(.sigterm)) == [])  // a stop has already begun
    #expect(scenario.wakeUp == 31_000)
    #expect(scenario.exit(.exited(code: 3), at: 3000).last == .exit(code: 124, flush: .milliseconds(500)))
    #expect(scenario.report.contains(#""stop_signal":null,"startup_timed_out":true"#))
    #expect(scenario.report.contains("the command was not ready in time and was stopped"))
  }

  @Test func `a command that is not ready in time and ignores the stop signal is killed after the grace`() {
    var scenario = Scenario.quiet {
      $0.readyTCP = 80
      ($0.startupTimeout, $0.grace) = (.seconds(2), .seconds(1))
    }
    #expect(scenario.at(2000, .timer) == [.abandonProbe] + stopCommand)
    #expect(
      scenario.at(3000, .timer) == [
        .send(.sigkill, to: .command), .killChildren, .killDescendants(within: .milliseconds(20)),
      ])
    #expect(
      scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 3001).last
        == .exit(code: 124, flush: .milliseconds(500)))
    #expect(scenario.report.contains(#""killed":true"#))
  }

  @Test func `a command that is not ready in time gets the first of --stop-signals`() {
    var scenario = Scenario.quiet {
      ($0.readyTCP, $0.startupTimeout, $0.stopSignals) = (80, .seconds(2), SignalSet([.sigquit]))
    }
    #expect(
      scenario.at(2000, .timer) == [.abandonProbe, .send(.sigquit, to: .command), .send(.sigcont, to: .command)])
  }

  @Test func `a command that is ready in time has no startup deadline`() {
    var scenario = Scenario.quiet {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(2)
    }
    scenario.at(1999, .probeSucceeded)
    #expect(scenario.wakeUp == nil)
    #expect(scenario.at(5000, .timer) == [])
  }

  @Test func `readiness ends with the stop signal`() {
    var scenario = Scenario.quiet()
    #expect(scenario.lifecycle.isReady(at: .at(0)))
    scenario.at(10, .signal(.sigterm))
    #expect(!scenario.lifecycle.isReady(at: .at(10)))
  }

  @Test func `--ready-hold keeps readiness until its end, at most to the forwarding`() {
    var scenario = Scenario.quiet { $0.readyHold = .seconds(3) }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.lifecycle.isReady(at: .at(2999)))
    #expect(!scenario.lifecycle.isReady(at: .at(3000)))
    #expect(scenario.lifecycle.snapshot.isReady(at: .at(2999)))
    #expect(!scenario.lifecycle.snapshot.isReady(at: .at(3000)))
    var long = Scenario.quiet { $0.readyHold = .seconds(60) }
    long.at(0, .signal(.sigterm))
    #expect(long.lifecycle.isReady(at: .at(4999)))
    long.at(5000, .timer)
    #expect(!long.lifecycle.isReady(at: .at(5000)))
  }

  @Test func `--ready-hold lasts into the drain`() {
    var scenario = Scenario.quiet {
      ($0.preStop, $0.readyHold) = (["hook"], .seconds(8))
    }
    scenario.at(0, .signal(.sigterm))
    scenario.at(5000, .timer)
    #expect(scenario.lifecycle.phase == .draining)
    #expect(scenario.lifecycle.isReady(at: .at(7999)))
    #expect(!scenario.lifecycle.isReady(at: .at(8000)))
    // The status page shows the end in advance, in case ebb is late.
    var long = Scenario.quiet { ($0.preStop, $0.readyHold) = (["hook"], .seconds(60)) }
    long.at(0, .signal(.sigterm))
    #expect(long.lifecycle.snapshot.readyUntil == .at(15_000))
  }
}

@Suite struct HookTests {
  @Test func `the pre-stop hook runs during the delay and does not shorten it`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    #expect(scenario.at(0, .signal(.sigterm)) == [.startHook(.sigterm)])
    #expect(scenario.at(1000, .hookEnded(.exited(code: 4))) == [])
    #expect(scenario.wakeUp == 5000)
    #expect(scenario.at(5000, .timer) == stopCommand)
    scenario.exit(.exited(code: 3), at: 5001)
    #expect(scenario.report.contains(#""pre_stop":{"code":4,"signal":null,"killed":false,"ms":1000}"#))
  }

  @Test func `the drain waits for the pre-stop hook`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(5000, .timer) == [])
    #expect(scenario.lifecycle.phase == .draining)
    #expect(scenario.wakeUp == 15_000)
    #expect(scenario.at(7000, .hookEnded(.exited(code: 0))) == stopCommand)
    scenario.exit(.exited(code: 3), at: 7001)
    #expect(scenario.report.contains(#""drain_ms":2000,"drain_ended_by":null"#))
  }

  @Test func `the pre-stop hook is killed when the drain times out`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.at(5000, .timer)
    #expect(scenario.at(15_000, .timer) == [.killHook] + stopCommand)
    #expect(scenario.at(15_001, .hookEnded(.killed(by: .sigkill, dumpedCore: false))) == [])
    scenario.exit(.exited(code: 3), at: 15_002)
    #expect(scenario.report.contains(#""drain_ended_by":"bound""#))
    #expect(scenario.report.contains(#""pre_stop":{"code":137,"signal":"KILL","killed":true,"ms":15001}"#))
  }

  @Test func `the drain for a pre-stop hook leaves the command its grace`() {
    var scenario = Scenario.quiet {
      $0.preStop = ["hook"]
      $0.delay = .zero
      ($0.drainTimeout, $0.killMargin) = (.seconds(10), .seconds(1))
      $0.terminationGracePeriod = .seconds(6)
      $0.grace = .seconds(3)
    }
    #expect(scenario.at(0, .signal(.sigterm)) == [.startHook(.sigterm)])
    #expect(scenario.wakeUp == 2000)
    #expect(scenario.at(2000, .timer) == [.killHook] + stopCommand)
    #expect(scenario.wakeUp == 5000)
  }

  @Test func `a pre-stop hook that cannot be started does not prolong the drain`() {
    var scenario = Scenario.quiet {
      $0.preStop = ["hook"]
      $0.delay = .zero
    }
    #expect(scenario.at(0, .signal(.sigterm)) == [.startHook(.sigterm)])
    #expect(scenario.at(0, .hookFailed(SpawnFailure(code: 127, message: "not found"))) == stopCommand)
    scenario.exit(.exited(code: 3), at: 1)
    #expect(scenario.report.contains(#""pre_stop":{"code":127,"#))
  }

  @Test func `SIGINT in the delay kills the pre-stop hook`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.at(100, .signal(.sigint)) == [.killHook] + stopCommand)
  }

  @Test func `the pre-stop hook of a command that exited runs on until the deadline`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.at(100, .commandExited(.exited(code: 0)))
    scenario.at(100, .reapedAll(childrenRemain: true))
    #expect(
      scenario.at(100, .children([ChildProcess(pid: 8, group: 8)])) == [.signalLeftovers(.sigterm, [.child(8)])])
    #expect(scenario.at(29_000, .timer) == [.killHook, .killChildren, .killDescendants(within: .milliseconds(20))])
    scenario.at(29_001, .hookEnded(.killed(by: .sigkill, dumpedCore: false)))
    #expect(
      scenario.at(29_001, .reapedAll(childrenRemain: false)).last
        == .exit(code: 0, flush: TimeAmount(nanoseconds: 499_500_000)))
  }

  @Test func `no pre-stop hook is started without a stop`() {
    var scenario = Scenario.quiet { $0.preStop = ["hook"] }
    #expect(scenario.at(1, .signal(.sigint)) == [.send(.sigint, to: .command)])
    #expect(scenario.exit(.exited(code: 3), at: 2) == [.exit(code: 3, flush: .milliseconds(500))])
  }
}
