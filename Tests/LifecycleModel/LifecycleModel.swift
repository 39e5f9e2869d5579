import LinuxFormats
import Primitives
import Supervision

/// The lifecycle, and beside it an independent record of which processes live, what was sent and what may be sent.
package struct LifecycleModel {
  let configuration: Configuration
  let options: RunOptions
  let times: StopTimes
  var lifecycle: Lifecycle
  var events = 0
  var now = Instant.at(0)
  var commandLives = true
  var others = Others()
  var stoppedAt: Instant?  // the first stop signal
  var begunAt: (commandLived: Bool, phase: Phase) = (false, .starting)  // at the first stop signal
  var impatient = false  // SIGINT or `ebb stop --now` in a stop
  var isLate = false  // ebb ran late at some deadline
  var forwardedAt: Instant?
  var commandEnd: (at: Instant, status: ExitStatus)?
  var stopSignalsSent = 0
  var phase = Phase.starting
  var exitCode: Int?
  var killedAt: Instant?
  var hasBeenReady: Bool
  var isAsked = false
  var hasTimedOut = false
  var hookRuns = false
  var hookWasKilled = false
  var isCounting = false
  var lastSample: (sample: ConnectionSample, at: Instant)?
  var lastTraffic: Instant?  // the last inbound byte in a sample

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    options = configuration.options
    times = options.times
    lifecycle = Lifecycle(options)
    hasBeenReady = options.readiness.isEmpty
    _ = post(.spawned(pid: Others.commandPid, hasTerminal: !options.newSession))
  }

  package enum Step: String, CaseIterable {
    case stopSignal, stopNow, interrupt, quit, hangup, commandStopped
    case commandExits, commandExitsLeavingOthers, commandDiesLeavingOthers
    case orphanDies, orphanExitsLeavingAnother, allOthersDie, othersListen, listeningIsFound
    case answersReady, answersNotReady, hookExits
    case countedQuiet, countedBusy, countedNoListener, countFails
    case timeToNextDeadline, almostToNextDeadline, farBeyondNextDeadline
  }

  /// Tries every order of `depth` steps, and after each of them lets only time pass. `path` holds the steps taken so far.
  package func explore(depth: Int, path: inout [Step], _ visited: inout Int, _ failures: inout [String]) {
    guard failures.count < 3 else { return }
    if depth == 0 {
      var end = self
      if let problem = end.runOut() { failures.append("\(names(path)): \(problem)") }
      return
    }
    for step in Step.allCases {
      var next = self
      guard let problem = next.take(step) else { continue }  // not possible in this state
      visited += 1
      path.append(step)
      if !problem.isEmpty {
        failures.append("\(names(path)): \(problem)")
      } else {
        next.explore(depth: depth - 1, path: &path, &visited, &failures)
      }
      path.removeLast()
    }
  }

  /// Takes at most `steps` random steps, and then lets only time pass.
  package func walk(steps: Int, _ random: inout SplitMix64) -> Walk {
    var world = self
    var path: [Step] = []
    for _ in 0..<steps where world.exitCode == nil {
      guard let step = Step.allCases.randomElement(using: &random) else { continue }
      // Otherwise most runs would end before much has happened.
      let isRare = step == .commandExits || step == .commandExitsLeavingOthers
      if isRare, Int.random(in: 0..<8, using: &random) > 0 { continue }
      guard let problem = world.take(step) else { continue }
      path.append(step)
      if !problem.isEmpty { return world.walked("\(names(path)): \(problem)") }
    }
    return world.walked(world.runOut().map { "\(names(path)): \($0)" })
  }

  private func names(_ path: [Step]) -> String {
    var text = ""
    for step in path { text += " \(step.rawValue)" }
    return text
  }

  private func walked(_ problem: String?) -> Walk { Walk(events: events, lasted: now - .at(0), problem: problem) }

  /// Takes a step. Returns `nil` if it is not possible now, else what is wrong with the result; empty if nothing is.
  private mutating func take(_ step: Step) -> String? {
    guard exitCode == nil else { return nil }
    switch step {
    case .stopSignal:
      if stoppedAt == nil {
        let problem = post(.commandSeen(isSupervisor: configuration.commandSupervises))
        if !problem.isEmpty { return problem }
        (stoppedAt, begunAt) = (now, (commandLives, phase))
      }
      return post(.signal(.sigterm))
    case .stopNow:
      if stoppedAt != nil { impatient = true }
      return post(.stopNow)
    case .interrupt:
      if stoppedAt != nil { impatient = true }
      return post(.signal(.sigint))
    case .quit: return post(.signal(options.asleep == nil ? .sigquit : .sigtstp))
    case .hangup: return post(.signal(.sighup))
    case .commandExits: return commandLives ? commandEnds(othersRemain: false, .exited(code: 5)) : nil
    case .commandExitsLeavingOthers: return commandLives ? commandEnds(othersRemain: true, .exited(code: 5)) : nil
    case .commandDiesLeavingOthers:
      return commandLives ? commandEnds(othersRemain: true, .killed(by: .sigterm, dumpedCore: false)) : nil
    case .orphanDies: return orphanEnds(.killed(by: .sigterm, dumpedCore: false), leavesAnother: false)
    case .orphanExitsLeavingAnother: return orphanEnds(.exited(code: 0), leavesAnother: true)
    case .othersListen: return others.listen() ? "" : nil
    case .listeningIsFound: return others.takeListening().map { post(.childrenListen($0)) }
    case .answersReady:
      guard isAsked else { return nil }
      (isAsked, hasBeenReady) = (false, true)
      return post(.probeSucceeded)
    case .answersNotReady:
      guard isAsked else { return nil }
      isAsked = false
      return post(.probeFailed("connection refused"))
    case .hookExits:
      guard hookRuns else { return nil }
      hookRuns = false
      let first = post(.hookEnded(.exited(code: 1)))
      return first.isEmpty ? post(.reapedAll(childrenRemain: childrenRemain)) : first
    case .countedQuiet: return counted(owing: 0, .ofTree)
    case .countedBusy: return counted(owing: 1, .ofTree)
    case .countedNoListener: return options.ports == nil ? counted(owing: 0, .none) : nil
    case .countFails:
      guard isCounting else { return nil }
      (isCounting, lastSample) = (false, nil)
      return post(.countFailed("sock_diag: Operation not permitted"))
    case .allOthersDie:
      guard !commandLives, childrenRemain, !hookRuns else { return nil }
      others = Others(none: true)
      return post(.reapedAll(childrenRemain: false))
    case .commandStopped: return commandLives ? post(.commandStopped(by: .sigtstp)) : nil
    case .timeToNextDeadline: return pass(.zero)
    case .almostToNextDeadline: return pass(TimeAmount(nanoseconds: -1))
    case .farBeyondNextDeadline:  // ebb runs late
      isLate = true
      return pass(.seconds(40))
    }
  }

  /// Ends a pass that has seen `owing` requests without a response, each just received.
  private mutating func counted(owing: Int, _ listeners: ConnectionSample.PortSource) -> String? {
    guard isCounting else { return nil }
    var sample = ConnectionSample(source: .diagWithInfo, listeners: listeners)
    sample.eventHorizonAge = .zero
    let ages = TCPInfo(
      lastSendAge: .seconds(1), lastReceiveAge: .zero, lastAckAge: .zero, bytesReceived: 1, bytesAcknowledged: 1)
    let peer = SocketAddress(.loopback4, port: 1)
    for _ in 0..<owing {
      sample.counts.add(
        Connection(
          state: .established, localPort: 80, peer: peer, receiveQueue: 0, sendQueue: 0, inode: 1, tcpInfo: ages),
        quiet: times.drainQuiet)
      lastTraffic = now
    }
    (isCounting, lastSample) = (false, (sample, now))
    return post(.sampled(sample))
  }

  private mutating func commandEnds(othersRemain: Bool, _ status: ExitStatus) -> String {
    (commandLives, commandEnd) = (false, (now, status))
    if othersRemain {
      others.commandEnded(status, wasForwarded: forwardedAt != nil)
    } else {
      others = Others(none: true)
    }
    let first = post(.commandExited(status))
    return first.isEmpty ? post(.reapedAll(childrenRemain: childrenRemain)) : first
  }

  private var childrenRemain: Bool { commandLives || hookRuns || !others.isEmpty }

  private mutating func orphanEnds(_ status: ExitStatus, leavesAnother: Bool) -> String? {
    guard let pid = others.firstChildEnds(status, leavesAnother: leavesAnother, wasForwarded: forwardedAt != nil) else {
      return nil
    }
    // As the event loop does.
    let first = lifecycle.onlyCounts(orphan: pid) ? "" : post(.orphanReaped(pid: pid, status))
    if lifecycle.commandRuns { return first }
    return first.isEmpty ? post(.reapedAll(childrenRemain: childrenRemain)) : first
  }

  /// Answers a search for children before anything else happens, as the event loop does.
  private mutating func answerChildren() -> String {
    others.isLookedFor = false
    if commandLives {
      others.rememberAdopted()
    } else if let killAt = leftoverDeadline {
      others.meet(at: now, deadline: killAt, wasForwarded: forwardedAt != nil)
    }
    let children = others.children
    let problem = post(.children(configuration.hasProc ? children : nil))
    guard problem.isEmpty, exitCode == nil, phase == .stopping, configuration.hasProc, sent != nil else {
      return problem
    }
    return commandLives || others.allSilentOnesSignalled
      ? "" : "a leftover whose parent forwarded nothing is not signalled immediately"
  }

  /// The stop signal as rewritten; `nil` if it is dropped.
  private var sent: Signal? { options.rewrites.apply(to: .sigterm) }

  /// Moves the time to the next deadline and `distance` further.
  private mutating func pass(_ distance: TimeAmount) -> String? {
    guard let wakeUp = lifecycle.wakeUp, wakeUp + distance > now else { return nil }
    now = wakeUp + distance
    return post(.timer)
  }

  /// Lets only time pass. Once a stop has begun or the command has exited, that leads to the exit in time, from any state.
  /// Returns what is wrong; `nil` if nothing is.
  private mutating func runOut() -> String? {
    guard exitCode == nil, stoppedAt != nil || !commandLives, options.asleep == nil else { return nil }
    var rounds = 0
    while exitCode == nil {
      guard let wakeUp = lifecycle.wakeUp else { return "no exit and no deadline in \(lifecycle.phase)" }
      if let latest, wakeUp > max(latest, now) { return "outlives the termination grace period" }
      // Every 50th of the sweeps, which are one a millisecond.
      now = max(now, phase == .killing ? wakeUp + .milliseconds(50) : wakeUp)
      let problem = post(.timer)
      if !problem.isEmpty { return "with time alone: \(problem)" }
      rounds += 1
      if rounds > 1000 { return "no exit after 1000 deadlines" }
    }
    return nil
  }

  private mutating func post(_ event: Event) -> String {
    events += 1
    if options.asleep != nil { return postAsleep(event) }
    let actions = lifecycle.handle(event, at: now)
    if lifecycle.phase < phase { return "phase went back from \(phase) to \(lifecycle.phase)" }
    if phase == .delaying || phase == .draining, case .signal(.sigint) = event, stoppedAt != nil,
      actions.contains(where: { if case .send(.sigint, _) = $0 { true } else { false } })
    {
      return "SIGINT ends the wait and is forwarded too"
    }
    phase = lifecycle.phase
    let members = others.members
    for action in actions {
      if exitCode != nil { return "\(action) after the exit" }
      let problem = check(action)
      if !problem.isEmpty { return problem }
    }
    if exitCode == nil, others.isGroupLookedFor {
      others.isGroupLookedFor = false
      let problem = post(.groupMembers(configuration.hasProc ? members : nil))
      if !problem.isEmpty { return problem }
    }
    if exitCode == nil, others.isLookedFor {
      let problem = answerChildren()
      if !problem.isEmpty { return problem }
    }
    if lifecycle.isReady(at: now) != mayBeReady { return "ready: \(!mayBeReady) in \(phase)" }
    if exitCode == nil, let latestForwarding, now >= latestForwarding, phase < .stopping {
      return "the drain does not time out"
    }
    if isAsked, phase != .starting { return "probes readiness in \(phase)" }
    if exitCode == nil, let killAt, now >= killAt, phase < .killing { return "no SIGKILL at the deadline" }
    if exitCode == nil, let killAt, phase < .killing, (lifecycle.wakeUp ?? .at(Int.max / 2_000_000)) > killAt {
      return "does not wake up for the kill deadline"
    }
    if exitCode != nil, !lifecycle.handle(.signal(.sighup), at: now).isEmpty { return "acts after the exit" }
    return ""
  }

  private mutating func check(_ action: Action) -> String {
    switch action {
    case .send(.sigkill, _):
      return !commandLives ? "SIGKILL to a pid that is free" : mayKill ? "" : "SIGKILL before the deadline"
    case .killDescendants: return mayKill ? "" : "SIGKILL to descendants before the deadline"
    case .killChildren:
      if killedAt == nil { killedAt = now }
      if !mayKill { return "SIGKILL to children before the deadline" }
      let isExempt = isLate || sent == nil || !configuration.hasProc
      return isExempt || others.allSignalledInTime ? "" : "SIGKILL to a leftover that was not signalled"
    case .lookForSurvivors:
      // The processes need time to die, also if SIGKILL was late.
      guard let killedAt, now >= killedAt + times.killMargin / 4 else { return "gives up too early" }
      return post(.survivors([], isInit: true))
    case .findChildren:
      others.isLookedFor = true
      return ""
    case .findListening(let pids):
      others.asked = pids
      return commandLives || pids.isEmpty ? "checks no process for listening sockets, or while the command runs" : ""
    case .findGroup:
      others.isGroupLookedFor = true
      return options.targetsProcessGroup ? "" : "searches for a group that gets no signal"
    case .send(let signal, .child): return "\(signal.name) to a child outside of a leftover signal"
    case .signalLeftovers(let signal, let targets):
      if commandLives || signal != sent { return "\(signal.name) to leftovers" }
      for target in targets {
        var problem = ""
        switch target {
        case .child(let pid): problem = others.signal(pid, at: now)
        case .commandGroup: problem = configuration.hasProc ? "the group in place of children" : others.signalGroup()
        case .command: problem = "a signal to a pid that is free"
        }
        if !problem.isEmpty { return problem }
      }
      return ""
    case .send(let signal, let target):
      if !commandLives { return "\(signal.name) to a pid that is free" }
      guard signal == (isDelegated ? .sigterm : sent) else { return "" }
      stopSignalsSent += 1
      if case .commandGroup = target {
        let problem = others.signalGroup()
        if !problem.isEmpty { return problem }
      }
      forwardedAt = now
      if stoppedAt == nil, !hasBeenReady, options.startupTimeout > .zero, now >= .at(0) + options.startupTimeout {
        (stoppedAt, begunAt, hasTimedOut) = (now, (true, .starting), true)
      }
      guard let stoppedAt else { return "the stop signal without a stop" }
      isCounting = false  // the pass is abandoned
      if stopSignalsSent > 1 { return "the stop signal twice" }
      if hookRuns, !hookWasKilled { return "the stop signal while the hook runs" }
      if impatient || !hasBeenReady || configuration.commandSupervises { return "" }
      if listensOnNothing {
        return options.delay == nil || now >= stoppedAt + times.delay ? "" : "a given delay is cut short"
      }
      if now < stoppedAt + times.delay { return "the stop signal before the delay is over" }
      return options.drain == .time || mayForward(stoppedAt) ? "" : "the stop signal while traffic flows"
    case .exit(let code, _):
      exitCode = code
      let expected = hasTimedOut ? 124 : commandEnd?.status.code ?? 137
      if code != expected { return "exit code \(code), not \(expected)" }
      return !commandLives || mayKill ? "" : "exits while the command runs"
    case .probe:
      if isAsked || phase != .starting { return "asks in \(phase), twice: \(isAsked)" }
      isAsked = true
      return ""
    case .abandonProbe:
      if !isAsked { return "abandons an attempt that is not under way" }
      isAsked = false
      return ""
    case .count:
      if stoppedAt == nil || !commandLives || !(.delaying ... .stopping ~= phase) { return "counts in \(phase)" }
      isCounting = true
      return ""
    case .startHook(let signal):
      if hookRuns || stoppedAt != now || !hasBeenReady || signal != .sigterm || isDelegated {
        return "a hook out of turn"
      }
      hookRuns = true
      return ""
    case .killHook:
      if !hookRuns || hookWasKilled { return "kills a hook that does not run" }
      hookWasKilled = true
      let isBound = latestForwarding.map { now >= $0 } ?? false
      return impatient || listensOnNothing || isBound || mayKill ? "" : "kills the hook too early"
    case .writeTerminationMessage: return ""
    case .suspend: return commandLives && stoppedAt == nil ? "" : "suspends in a stop"
    case .stopSelf: return "stops itself"
    case .log: return ""
    }
  }

  private var mayBeReady: Bool {
    guard hasBeenReady, commandLives, exitCode == nil, phase < (isDelegated ? .killing : .stopping) else {
      return false
    }
    let hold = isDelegated ? min(options.readyHold, longestWait) : options.readyHold
    return stoppedAt.map { now < $0 + hold } ?? true
  }

  /// The last sample has seen no listening socket.
  private var listensOnNothing: Bool {
    lastSample?.sample.portSource == ConnectionSample.PortSource.none && options.readyTCP == nil
  }

  /// The drain has timed out, or a sample of this very moment shows that traffic has ended.
  private func mayForward(_ stoppedAt: Instant) -> Bool {
    if let latestForwarding, now >= latestForwarding { return true }
    guard let lastSample, lastSample.at == now, lastSample.sample.counts.connections == 0 else { return false }
    return options.drain == .zero || now >= max(stoppedAt, lastTraffic ?? stoppedAt) + times.drainQuiet
  }

  /// When ebb must have exited: at the orchestrator's deadline or, if ebb was late, half a kill margin after its SIGKILL.
  private var latest: Instant? {
    let patience = max(times.killMargin / 2, .milliseconds(100))
    return stoppedAt.map { max($0 + times.terminationGracePeriod, killedAt.map { $0 + patience } ?? $0) }
  }

  /// The latest end of the drain.
  private var latestForwarding: Instant? {
    guard let stoppedAt, commandLives else { return nil }
    return stoppedAt + longestWait
  }

  /// The longest time from the stop signal to its forwarding.
  private var longestWait: TimeAmount {
    max(times.delay, min(times.delay + times.drainTimeout, times.killIn - times.grace))
  }

  private var isDelegated: Bool {
    configuration.commandSupervises && stoppedAt != nil && !hasTimedOut && begunAt.commandLived
  }

  /// The kill deadline; `nil` before a stop.
  private var killAt: Instant? {
    guard let stoppedAt else { return nil }
    let deadline = stoppedAt + times.killIn
    if isDelegated { return deadline + times.killMargin / 2 }
    guard let grace = options.grace, begunAt.commandLived else { return deadline }
    let waits = options.drain != .time || !options.preStop.isEmpty
    let latest = begunAt.phase == .starting ? stoppedAt : stoppedAt + (waits ? longestWait : times.delay)
    return min(deadline, (forwardedAt ?? latest) + grace)
  }

  /// The deadline of the leftovers; `nil` while the command runs.
  private var leftoverDeadline: Instant? {
    guard let commandEnd else { return nil }
    let standard: TimeAmount? = stoppedAt != nil && begunAt.commandLived ? nil : .seconds(2)
    let own = (options.leftoverTimeout ?? standard).map { commandEnd.at + $0 }
    guard let own, let killAt else { return own ?? killAt }
    return min(own, killAt)
  }

  private var mayKill: Bool {
    if let killAt, now >= killAt { return true }
    if let leftoverDeadline, now >= leftoverDeadline { return true }
    return false
  }
}

/// The result of a run.
package struct Walk {
  /// How many events the lifecycle handled.
  package let events: Int
  /// Simulated time, from its start to its end.
  package let lasted: TimeAmount
  /// What was wrong; `nil` if nothing was.
  package let problem: String?
}

extension Instant {
  /// A moment `milliseconds` after an arbitrary start.
  package static func at(_ milliseconds: Int) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds)
  }
}
