import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// A run whose stop forwards its signal immediately.
private func undelayed(_ change: (inout RunOptions) -> Void = { _ in }) -> Scenario {
  Scenario.quiet(showsSearches: true) {
    $0.delay = .zero
    change(&$0)
  }
}

extension Scenario {
  /// The command ends and leaves `children` behind. Returns the actions that follow once ebb has found them.
  @discardableResult
  fileprivate mutating func commandEnds(_ status: ExitStatus, leaving children: [ChildProcess]?, at milliseconds: Int)
    -> [Action]
  {
    _ = at(milliseconds, .commandExited(status))
    #expect(at(milliseconds, .reapedAll(childrenRemain: true)) == [.findChildren])
    return at(milliseconds, .children(children))
  }

  /// The actions until then if only time passes.
  fileprivate mutating func run(until milliseconds: Int) -> [(at: Int, action: Action)] {
    var done: [(Int, Action)] = []
    while let now = wakeUp, now <= milliseconds, lifecycle.phase < .killing {
      done += at(now, .timer).map { (now, $0) }
    }
    return done
  }
}

private let app = ChildProcess(pid: 9, group: 9)
private let member = ChildProcess(pid: 8, group: 7)
private let exited = ExitStatus.exited(code: 0)
private let died = ExitStatus.killed(by: .sigterm, dumpedCore: false)

private func stop(_ pids: Int32..., with signal: Signal = .sigterm) -> [Action] {
  [.signalLeftovers(signal, pids.map { .child($0) })]
}

/// How ebb stops the processes that the command left behind.
@Suite struct LeftoversTests {
  // MARK: Without a stop

  @Test func `leftovers of a command that ended without a stop get SIGTERM, and SIGKILL after 2 s`() {
    var scenario = undelayed()
    #expect(scenario.commandEnds(exited, leaving: [member, app], at: 0) == stop(8, 9))
    #expect(scenario.at(100, .signal(.sighup)) == [])  // the command's pid is free
    let kill = scenario.run(until: 2000).first { $0.action != .findChildren }
    #expect(kill?.at == 2000)
    #expect(kill?.action == .killChildren)
    #expect(scenario.at(2005, .reapedAll(childrenRemain: false)).last == .exit(code: 0, flush: .milliseconds(500)))
  }

  @Test func `a stop signal that arrives while leftovers are ending is not sent to them again`() {
    var scenario = undelayed { $0.leftoverTimeout = .seconds(100) }
    scenario.commandEnds(exited, leaving: [app], at: 0)
    #expect(scenario.at(1000, .signal(.sigterm)) == [.findChildren])  // the search of each second
    #expect(scenario.at(1000, .children([app])) == [])
    #expect(scenario.lifecycle.killAt == .at(30_000))
  }

  // MARK: In a stop

  @Test func `leftovers of a command that died of the stop signal are signalled immediately`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(died, leaving: [app], at: 10) == stop(9))
  }

  @Test func `leftovers in a stop have all its remaining time before SIGKILL`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
    #expect(scenario.run(until: 29_000).contains { $0.action == .killChildren })
  }

  @Test func `--leftover-timeout brings the SIGKILL of leftovers forward and never back`() {
    var short = undelayed { $0.leftoverTimeout = .seconds(3) }
    short.at(0, .signal(.sigterm))
    short.commandEnds(died, leaving: [app], at: 10)
    #expect(short.lifecycle.killAt == .at(3010))
    var long = undelayed { $0.leftoverTimeout = .seconds(300) }
    long.at(0, .signal(.sigterm))
    long.commandEnds(died, leaving: [app], at: 10)
    #expect(long.lifecycle.killAt == .at(29_000))
  }

  /// The command may be a script whose trap has forwarded the signal.
  @Test func `a leftover of a command that exited is signalled at half time if it does not listen`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(exited, leaving: [app], at: 1000) == [])
    let done = scenario.run(until: 28_999).filter { $0.action != .findChildren }
    #expect(done.map { $0.at } == [3000, 15_000])
    #expect(done.map { $0.action } == [.findListening([9])] + stop(9))
  }

  @Test func `a leftover of a command that exited is signalled after 2 s if it still listens`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(exited, leaving: [app], at: 1000)
    #expect(scenario.run(until: 3000).last?.action == .findListening([9]) || scenario.run(until: 3000).isEmpty)
    #expect(scenario.at(3004, .childrenListen([9])) == stop(9))
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
  }

  @Test func `a leftover is checked after a quarter of the time if that is less than 2 s`() {
    var scenario = undelayed { $0.terminationGracePeriod = .seconds(10) }
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(exited, leaving: [app], at: 5000)
    let done = scenario.run(until: 8999).filter { $0.action != .findChildren }
    #expect(done.map { $0.at } == [6000, 7000])
  }

  /// Nothing had been sent that it could have forwarded.
  @Test func `leftovers of a command that exited in the delay are signalled immediately`() {
    var scenario = undelayed { $0.delay = .seconds(5) }
    scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(exited, leaving: [app], at: 1000) == stop(9))
  }

  /// Its parent had exited before the stop signal arrived.
  @Test func `a leftover that was ebb's child at the forwarding is signalled immediately`() {
    var scenario = undelayed()
    #expect(scenario.at(0, .signal(.sigterm)).first == .findChildren)
    scenario.at(0, .children([app]))
    #expect(scenario.commandEnds(exited, leaving: [member, app], at: 10) == stop(9))
  }

  @Test func `with --group leftovers in the command's group are not signalled again`() {
    var scenario = undelayed { $0.targetsProcessGroup = true }
    #expect(scenario.at(0, .signal(.sigterm)).prefix(2) == [.findChildren, .findGroup])
    scenario.at(0, .groupMembers([7, 8]))
    #expect(scenario.commandEnds(died, leaving: [member, app], at: 10) == stop(9))
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
  }

  /// The command's trap may have started it. A process that has left the group since got the signal before.
  @Test func `with --group a leftover that joined the group after the forwarding is signalled`() {
    var scenario = undelayed { $0.targetsProcessGroup = true }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .groupMembers([7, 8]))
    let left = ChildProcess(pid: 8, group: 8)
    let joined = ChildProcess(pid: 12, group: 7)
    #expect(scenario.commandEnds(died, leaving: [left, joined], at: 10) == stop(12))
  }

  @Test func `with --group and unknown members the present group of a leftover decides`() {
    var scenario = undelayed { $0.targetsProcessGroup = true }
    scenario.at(0, .signal(.sigterm))
    scenario.at(0, .groupMembers(nil))
    #expect(scenario.commandEnds(died, leaving: [member, app], at: 10) == stop(9))
  }

  @Test func `with --group leftovers in the command's group are signalled if nothing was forwarded`() {
    var scenario = undelayed { $0.targetsProcessGroup = true }
    #expect(scenario.commandEnds(exited, leaving: [member], at: 0) == stop(8))
  }

  @Test func `leftovers get the stop signal as rewritten`() {
    let rewrite: (inout RunOptions) -> Void = { $0.rewrites.add(from: .sigterm, to: .sigquit) }
    var inStop = undelayed(rewrite)
    inStop.at(0, .signal(.sigterm))
    #expect(
      inStop.commandEnds(.killed(by: .sigquit, dumpedCore: false), leaving: [app], at: 10) == stop(9, with: .sigquit))
    var without = undelayed(rewrite)
    #expect(without.commandEnds(exited, leaving: [app], at: 0) == stop(9, with: .sigquit))
    var dropped = undelayed { $0.rewrites.add(from: .sigterm, to: nil) }
    #expect(dropped.commandEnds(exited, leaving: [app], at: 0) == [])
  }

  @Test func `more than 16 leftovers are checked for listening sockets in several scans`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    let many = (1...20).map { ChildProcess(pid: 100 + $0, group: 100) }
    scenario.commandEnds(exited, leaving: many, at: 1000)
    let first = [Int32](101...116)
    #expect(scenario.run(until: 3000).map { $0.action }.filter { $0 != .findChildren } == [.findListening(first)])
    let next = scenario.at(3010, .childrenListen(first))
    #expect(next == [.signalLeftovers(.sigterm, first.map { .child($0) }), .findListening([117, 118, 119, 120])])
  }

  @Test func `the log counts only the leftovers that were signalled`() {
    var scenario = Scenario { $0.verboseCount = 1 }
    scenario.at(1, .commandExited(exited))
    scenario.at(1, .reapedAll(childrenRemain: true))
    scenario.at(1, .children([]))  // they have exited and are not reaped yet
    #expect(scenario.line("leftovers") == nil)
    scenario.at(1, .children([app]))
    #expect(scenario.count("leftovers") == 1)
    scenario.at(1, .leftoversSignalled(0, .sigterm))
    #expect(scenario.line("leftovers-stopping") == nil)
    scenario.at(1, .leftoversSignalled(1, .sigterm))
    #expect(scenario.line("leftovers-stopping")?.contains(#""signal":"TERM","count":1"#) == true)
  }

  // MARK: New heads

  @Test func `a child of a leftover that died of the signal is signalled immediately`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.at(500, .orphanReaped(pid: 9, died)) == [.findChildren])
    #expect(scenario.at(500, .children([ChildProcess(pid: 11, group: 9)])) == stop(11))
  }

  @Test func `a child of a leftover that exited is given time to exit itself`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.at(500, .orphanReaped(pid: 9, exited)) == [.findChildren])
    #expect(scenario.at(500, .children([ChildProcess(pid: 11, group: 9)])) == [])
    #expect(scenario.run(until: 2500).contains { $0.action == .findListening([11]) })
  }

  @Test func `many exits in a row cause one search for children in 20 ms`() {
    var scenario = undelayed()
    scenario.commandEnds(exited, leaving: [app], at: 0)
    var looks = 0
    for pid in 0..<1000 {
      scenario.at(1, .orphanReaped(pid: Int32(100 + pid), died))
      looks += scenario.at(1, .reapedAll(childrenRemain: true)).filter { $0 == .findChildren }.count
    }
    #expect(looks == 0)
    #expect(scenario.lifecycle.wakeUp == .at(20))
  }

  @Test func `a leftover whose parent was not ebb's child is found within a second`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.run(until: 1010).map { $0.action } == [.findChildren])
  }

  /// Its children become ebb's when it exits.
  @Test func `the exit of the pre-stop hook causes a search for what it left behind`() {
    var scenario = undelayed { $0.preStop = ["hook"] }
    scenario.at(0, .signal(.sigterm))
    scenario.commandEnds(exited, leaving: [app], at: 100)
    #expect(scenario.at(500, .hookEnded(.exited(code: 0))) == [.findChildren])
  }

  // MARK: Without /proc

  @Test func `without /proc the command's group is signalled once in place of its leftovers`() {
    var scenario = undelayed()
    scenario.at(0, .signal(.sigterm))
    #expect(
      scenario.commandEnds(died, leaving: nil, at: 10) == [.signalLeftovers(.sigterm, [.commandGroup])])
    #expect(scenario.at(20, .children(nil)) == [])
    var group = undelayed { $0.targetsProcessGroup = true }
    group.at(0, .signal(.sigterm))
    #expect(group.commandEnds(died, leaving: nil, at: 10) == [])
  }
}
