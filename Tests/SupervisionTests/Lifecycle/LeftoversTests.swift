import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// Stopping what the command left behind. Times are milliseconds since the start.
private struct Scenario {
  var lifecycle: Lifecycle

  init(_ change: (inout RunOptions) -> Void = { _ in }) {
    var options = RunOptions()
    options.orchestrator = .kubernetes
    options.quiet = true
    options.delay = .zero
    options.drain = .time
    change(&options)
    lifecycle = Lifecycle(options)
    _ = lifecycle.handle(.spawned(pid: 7, hasTerminal: false), at: .at(0))
  }

  mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
    lifecycle.handle(event, at: .at(milliseconds)).filter {
      if case .writeTerminationMessage = $0 { false } else { true }
    }
  }

  /// The command ends and leaves children of ebb's behind, which are looked for at once.
  mutating func commandEnds(_ status: ExitStatus, leaving children: [ChildProcess]?, at milliseconds: Int) -> [Action] {
    _ = at(milliseconds, .commandExited(status))
    #expect(at(milliseconds, .reapedAll(childrenRemain: true)) == [.findChildren])
    return at(milliseconds, .children(children))
  }

  /// What is done until then, when time alone passes.
  mutating func run(until milliseconds: Int) -> [(at: Int, action: Action)] {
    var done: [(Int, Action)] = []
    while let wakeUp = lifecycle.wakeUp, wakeUp <= .at(milliseconds), lifecycle.phase < .killing {
      let now = (wakeUp - .at(0)).milliseconds
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

@Suite struct LeftoversTests {
  // MARK: Without a stop

  @Test func `when the command ended by itself, its leftovers are signalled at once, and killed after 2 s`() {
    var scenario = Scenario()
    #expect(scenario.commandEnds(exited, leaving: [member, app], at: 0) == stop(8, 9))
    #expect(scenario.at(100, .signal(.sighup)) == [])  // the command's pid is free
    let remaining = scenario.run(until: 2000)
    #expect(
      remaining.filter { $0.action != .findChildren }.first.map { $0.at == 2000 && $0.action == .killChildren } == true)
    #expect(scenario.at(2005, .reapedAll(childrenRemain: false)).last == .exit(code: 0, flush: .milliseconds(500)))
  }

  @Test func `a stop signal for leftovers that are ending changes nothing for them`() {
    var scenario = Scenario { $0.leftoverTimeout = .seconds(100) }
    _ = scenario.commandEnds(exited, leaving: [app], at: 0)
    #expect(scenario.at(1000, .signal(.sigterm)) == [.findChildren])  // the usual look
    #expect(scenario.at(1000, .children([app])) == [])
    #expect(scenario.lifecycle.killAt == .at(30_000))
  }

  // MARK: In a stop

  @Test func `when the command died of the signal, its leftovers are signalled at once`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(died, leaving: [app], at: 10) == stop(9))
  }

  @Test func `they have all the time of the stop`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
    #expect(scenario.run(until: 29_000).contains { $0.action == .killChildren })
  }

  @Test func `--leftover-timeout shortens it, and never lengthens it`() {
    var short = Scenario { $0.leftoverTimeout = .seconds(3) }
    _ = short.at(0, .signal(.sigterm))
    _ = short.commandEnds(died, leaving: [app], at: 10)
    #expect(short.lifecycle.killAt == .at(3010))
    var long = Scenario { $0.leftoverTimeout = .seconds(300) }
    _ = long.at(0, .signal(.sigterm))
    _ = long.commandEnds(died, leaving: [app], at: 10)
    #expect(long.lifecycle.killAt == .at(29_000))
  }

  /// It was a script with a trap, that has passed the signal on.
  @Test func `when the command exited, one that does not listen is signalled when half of the time is over`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(exited, leaving: [app], at: 1000) == [])
    let done = scenario.run(until: 28_999).filter { $0.action != .findChildren }
    #expect(done.map { $0.at } == [3000, 15_000])
    #expect(done.map { $0.action } == [.findListening([9])] + stop(9))
  }

  @Test func `one that still listens after 2 s is signalled then`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(exited, leaving: [app], at: 1000)
    #expect(scenario.run(until: 3000).last?.action == .findListening([9]) || scenario.run(until: 3000).isEmpty)
    #expect(scenario.at(3004, .childrenListen([9])) == stop(9))
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
  }

  @Test func `where little time is left, a quarter of it is trusted`() {
    var scenario = Scenario { $0.terminationGracePeriod = .seconds(10) }
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(exited, leaving: [app], at: 5000)
    let done = scenario.run(until: 8999).filter { $0.action != .findChildren }
    #expect(done.map { $0.at } == [6000, 7000])
  }

  /// No signal had gone out that it could have passed on.
  @Test func `when the command exited in the delay, its leftovers are signalled at once`() {
    var scenario = Scenario { $0.delay = .seconds(5) }
    _ = scenario.at(0, .signal(.sigterm))
    #expect(scenario.commandEnds(exited, leaving: [app], at: 1000) == stop(9))
  }

  /// Its parent had ended before the stop signal came.
  @Test func `one that was ebb's child at the forwarding is signalled at once`() {
    var scenario = Scenario()
    #expect(scenario.at(0, .signal(.sigterm)).first == .findChildren)
    _ = scenario.at(0, .children([app]))
    #expect(scenario.commandEnds(exited, leaving: [member, app], at: 10) == stop(9))
  }

  @Test func `with --group those of the command's group have had the signal`() {
    var scenario = Scenario { $0.targetsProcessGroup = true }
    #expect(scenario.at(0, .signal(.sigterm)).prefix(2) == [.findChildren, .findGroup])
    _ = scenario.at(0, .groupMembers([7, 8]))
    #expect(scenario.commandEnds(died, leaving: [member, app], at: 10) == stop(9))
    #expect(scenario.run(until: 28_999).allSatisfy { $0.action == .findChildren })
  }

  /// By a trap of the command's, say. One that has left the group since has had it all the same.
  @Test func `with --group one that has joined the group since the forwarding gets it`() {
    var scenario = Scenario { $0.targetsProcessGroup = true }
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.at(0, .groupMembers([7, 8]))
    let left = ChildProcess(pid: 8, group: 8)
    let joined = ChildProcess(pid: 12, group: 7)
    #expect(scenario.commandEnds(died, leaving: [left, joined], at: 10) == stop(12))
  }

  @Test func `with --group the group as it is now decides where its members were not seen`() {
    var scenario = Scenario { $0.targetsProcessGroup = true }
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.at(0, .groupMembers(nil))
    #expect(scenario.commandEnds(died, leaving: [member, app], at: 10) == stop(9))
  }

  @Test func `with --group they get it where it was never forwarded`() {
    var scenario = Scenario { $0.targetsProcessGroup = true }
    #expect(scenario.commandEnds(exited, leaving: [member], at: 0) == stop(8))
  }

  @Test func `they get the signal as rewritten`() {
    let rewrite: (inout RunOptions) -> Void = { $0.rewrites.add(from: .sigterm, to: .sigquit) }
    var inStop = Scenario(rewrite)
    _ = inStop.at(0, .signal(.sigterm))
    #expect(
      inStop.commandEnds(.killed(by: .sigquit, dumpedCore: false), leaving: [app], at: 10) == stop(9, with: .sigquit))
    var without = Scenario(rewrite)
    #expect(without.commandEnds(exited, leaving: [app], at: 0) == stop(9, with: .sigquit))
    var dropped = Scenario { $0.rewrites.add(from: .sigterm, to: nil) }
    #expect(dropped.commandEnds(exited, leaving: [app], at: 0) == [])
  }

  @Test func `more listening ones than are looked at together are looked at one after the other`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    let many = (1...20).map { ChildProcess(pid: 100 + $0, group: 100) }
    _ = scenario.commandEnds(exited, leaving: many, at: 1000)
    let first = scenario.run(until: 3000).compactMap {
      if case .findListening(let pids) = $0.action { pids } else { nil }
    }
    #expect(first == [Array(101...116)])
    let next = scenario.at(3010, .childrenListen(first[0]))
    #expect(next == [.signalLeftovers(.sigterm, first[0].map { .child($0) }), .findListening(Array(117...120))])
  }

  @Test func `only those are said to be signalled that were`() {
    var options = RunOptions()
    options.verboseCount = 1
    var lifecycle = Lifecycle(options)
    _ = lifecycle.handle(.spawned(pid: 7, hasTerminal: false), at: .at(0))
    func events(_ event: Event) -> [String] {
      lifecycle.handle(event, at: .at(1)).compactMap { if case .log(let record) = $0 { record.event } else { nil } }
    }
    _ = events(.commandExited(exited))
    #expect(events(.reapedAll(childrenRemain: true)) == [])
    #expect(events(.children([])) == [])  // they have ended and wait to be reaped
    #expect(events(.children([app])) == ["leftovers"])
    #expect(events(.leftoversSignalled(0, .sigterm)) == [])
    #expect(events(.leftoversSignalled(1, .sigterm)) == ["leftovers-stopping"])
  }

  // MARK: New heads

  @Test func `a child that a head leaves behind is a new head, signalled at once where the head died`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.at(500, .orphanReaped(pid: 9, died)) == [.findChildren])
    #expect(scenario.at(500, .children([ChildProcess(pid: 11, group: 9)])) == stop(11))
  }

  @Test func `it is trusted where the head exited`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.at(500, .orphanReaped(pid: 9, exited)) == [.findChildren])
    #expect(scenario.at(500, .children([ChildProcess(pid: 11, group: 9)])) == [])
    #expect(scenario.run(until: 2500).contains { $0.action == .findListening([11]) })
  }

  @Test func `many deaths in a row make no look each`() {
    var scenario = Scenario()
    _ = scenario.commandEnds(exited, leaving: [app], at: 0)
    var looks = 0
    for pid in 0..<1000 {
      _ = scenario.at(1, .orphanReaped(pid: Int32(100 + pid), died))
      looks += scenario.at(1, .reapedAll(childrenRemain: true)).filter { $0 == .findChildren }.count
    }
    #expect(looks == 0)
    #expect(scenario.lifecycle.wakeUp == .at(20))
  }

  @Test func `one whose parent was no child of ebb is found within a second`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    _ = scenario.commandEnds(died, leaving: [app], at: 10)
    #expect(scenario.run(until: 1010).map { $0.action } == [.findChildren])
  }

  // MARK: Without /proc

  @Test func `without /proc the command's group is signalled, once`() {
    var scenario = Scenario()
    _ = scenario.at(0, .signal(.sigterm))
    #expect(
      scenario.commandEnds(died, leaving: nil, at: 10) == [.signalLeftovers(.sigterm, [.commandGroup])])
    #expect(scenario.at(20, .children(nil)) == [])
    var group = Scenario { $0.targetsProcessGroup = true }
    _ = group.at(0, .signal(.sigterm))
    #expect(group.commandEnds(died, leaving: nil, at: 10) == [])
  }
}
