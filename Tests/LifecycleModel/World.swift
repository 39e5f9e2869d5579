import Supervision

/// The lifecycle and, beside it, what a bystander knows: who lives, what was sent and when it may be.
package struct World {
  let options: RunOptions
  var lifecycle: Lifecycle
  var events = 0
  var now = Instant.at(0)
  var commandLives = true
  var childrenRemain = true  // the command, or what it left behind
  var stoppedAt: Instant?  // the first stop signal
  var impatient = false  // INT or QUIT came while delaying
  var forwardedAt: Instant?
  var commandEndedAt: Instant?
  var stopSignalsSent = 0
  var phase = Phase.starting
  var exitCode: Int?
  var hasBeenReady: Bool
  var isAsked = false
  var hasTimedOut = false
  var hookRuns = false
  var hookWasKilled = false
  var isCounting = false
  var lastSample: (sample: Sample, at: Instant)?
  var lastTraffic: Instant?  // the last inbound byte that a sample told of

  package init(_ configuration: Configuration) {
    options = configuration.options
    lifecycle = Lifecycle(options)
    hasBeenReady = options.readiness.isEmpty
    _ = post(.spawned(pid: 7, hasTerminal: true))
  }

  package enum Step: String, CaseIterable {
    case stopSignal, stopNow, interrupt, hangup, commandExits, commandExitsLeavingOthers, orphanDies, lastChildDies,
      commandStopped
    case answersReady, answersNotReady, hookExits
    case countedQuiet, countedBusy, countedNoListener, countFails
    case timeToNextDeadline, almostToNextDeadline, farBeyondNextDeadline
  }

  /// Every order of so many things that can happen, and after each of them nothing but time. `path` is what has happened
  /// already.
  package func explore(depth: Int, path: inout [Step], _ visited: inout Int, _ failures: inout [String]) {
    guard failures.count < 3 else { return }
    if depth == 0 {
      var end = self
      if let problem = end.runOut() { failures.append("\(names(path)): \(problem)") }
      return
    }
    for step in Step.allCases {
      var next = self
      guard let problem = next.take(step) else { continue }  // cannot happen in this state
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

  /// A run in which so many things happen at most, one after the other, and time does the rest.
  package func walk(steps: Int, _ random: inout SplitMix64) -> Walk {
    var world = self
    var path: [Step] = []
    for _ in 0..<steps where world.exitCode == nil {
      guard let step = Step.allCases.randomElement(using: &random) else { continue }
      // Or most runs were over before much can happen.
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

  /// Nil: this cannot happen now. Else what is wrong with what followed, empty if nothing is.
  private mutating func take(_ step: Step) -> String? {
    guard exitCode == nil else { return nil }
    switch step {
    case .stopSignal:
      if stoppedAt == nil { stoppedAt = now }
      return post(.signal(.terminate))
    case .stopNow:
      if stoppedAt != nil { impatient = true }
      return post(.stopNow)
    case .interrupt:
      if stoppedAt != nil { impatient = true }
      return post(.signal(.interrupt))
    case .hangup: return post(.signal(.hangup))
    case .commandExits: return commandLives ? commandEnds(othersRemain: false, .exited(code: 5)) : nil
    case .commandExitsLeavingOthers: return commandLives ? commandEnds(othersRemain: true, .exited(code: 5)) : nil
    case .orphanDies:
      guard childrenRemain else { return nil }
      let first = post(.orphanReaped(pid: 9, .exited(code: 0)))
      return first.isEmpty ? post(.reapedAll(childrenRemain: true)) : first
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
    case .lastChildDies:
      guard !commandLives, childrenRemain, !hookRuns else { return nil }
      childrenRemain = false
      return post(.reapedAll(childrenRemain: false))
    case .commandStopped: return commandLives ? post(.commandStopped(by: .terminalStop)) : nil
    case .timeToNextDeadline: return pass(.zero)
    case .almostToNextDeadline: return pass(Span(nanoseconds: -1))
    case .farBeyondNextDeadline: return pass(.seconds(40))  // the machine was busy
    }
  }

  /// A pass ends that has seen so many requests whose answer is owed, and whose last byte has just come.
  private mutating func counted(owing: Int, _ listeners: Sample.Listeners) -> String? {
    guard isCounting else { return nil }
    var sample = Sample(source: .diagWithInfo, listeners: listeners)
    sample.sinceTold = .zero
    let ages = Connection.Ages(
      sent: .seconds(1), received: .zero, acknowledged: .zero, bytesReceived: 1, bytesAcknowledged: 1)
    let peer = SocketAddress(.loopback4, port: 1)
    for _ in 0..<owing {
      sample.census.add(
        Connection(
          state: .established, localPort: 80, peer: peer, receiveQueue: 0, sendQueue: 0, inode: 1, ages: ages),
        quiet: options.drainQuiet)
      lastTraffic = now
    }
    (isCounting, lastSample) = (false, (sample, now))
    return post(.sampled(sample))
  }

  private mutating func commandEnds(othersRemain: Bool, _ status: ExitStatus) -> String {
    (commandLives, childrenRemain, commandEndedAt) = (false, othersRemain, now)
    let first = post(.commandExited(status))
    return first.isEmpty ? post(.reapedAll(childrenRemain: othersRemain || hookRuns)) : first
  }

  /// Time goes to the next deadline and `distance` further.
  private mutating func pass(_ distance: Span) -> String? {
    guard let wakeUp = lifecycle.wakeUp, wakeUp + distance > now else { return nil }
    now = wakeUp + distance
    return post(.timer)
  }

  /// Whatever the state: once a stop has begun, or the command has exited, time alone leads to the exit, and within
  /// bounds.
  private mutating func runOut() -> String? {
    guard exitCode == nil, stoppedAt != nil || !commandLives else { return nil }
    let latest = stoppedAt.map { $0 + options.terminationGracePeriod }
    var rounds = 0
    while exitCode == nil {
      guard let wakeUp = lifecycle.wakeUp else { return "no exit: nothing to wait for in \(lifecycle.phase)" }
      if let latest, wakeUp > max(latest, now) { return "outlives the termination grace period" }
      // Of the sweeps, one a millisecond, not each is walked.
      now = max(now, phase == .killing ? wakeUp + .milliseconds(50) : wakeUp)
      let problem = post(.timer)
      if !problem.isEmpty { return "running out: \(problem)" }
      rounds += 1
      if rounds > 1000 { return "no exit after 1000 deadlines" }
    }
    return nil
  }

  private mutating func post(_ event: Event) -> String {
    events += 1
    let actions = lifecycle.handle(event, at: now)
    if lifecycle.phase < phase { return "phase went back from \(phase) to \(lifecycle.phase)" }
    phase = lifecycle.phase
    for action in actions {
      if exitCode != nil { return "\(action) after the exit" }
      let problem = check(action)
      if !problem.isEmpty { return problem }
    }
    if lifecycle.isReady(at: now) != mayBeReady { return "ready: \(!mayBeReady) in \(phase)" }
    if exitCode == nil, let latestForwarding, now >= latestForwarding, phase < .stopping {
      return "the drain knows no bound"
    }
    if isAsked, phase != .starting { return "asks whether it is ready in \(phase)" }
    if exitCode == nil, let killAt, now >= killAt, phase < .killing { return "no SIGKILL at the deadline" }
    if exitCode == nil, let killAt, phase < .killing, (lifecycle.wakeUp ?? .at(Int.max / 2_000_000)) > killAt {
      return "does not wake up for the kill deadline"
    }
    if exitCode != nil, !lifecycle.handle(.signal(.hangup), at: now).isEmpty { return "acts after the exit" }
    return ""
  }

  private mutating func check(_ action: Action) -> String {
    switch action {
    case .send(.kill, _):
      return !commandLives ? "SIGKILL to a pid that is nobody's" : mayKill ? "" : "SIGKILL before the deadline"
    case .signalDescendants([.kill], _): return mayKill ? "" : "SIGKILL to descendants before the deadline"
    case .killChildren: return mayKill ? "" : "SIGKILL to children before the deadline"
    case .signalDescendants: return commandLives ? "descendants are told to end while the command runs" : ""
    case .send(let signal, _):
      if !commandLives { return "\(signal.name) to a pid that is nobody's" }
      guard let sent = options.rewrites.apply(to: .terminate), signal == sent else { return "" }
      stopSignalsSent += 1
      forwardedAt = now
      if stoppedAt == nil, !hasBeenReady, options.startupTimeout > .zero, now >= .at(0) + options.startupTimeout {
        (stoppedAt, hasTimedOut) = (now, true)
      }
      guard let stoppedAt else { return "the stop signal without a stop" }
      isCounting = false  // nobody waits for it any more
      if stopSignalsSent > 1 { return "the stop signal twice" }
      if hookRuns, !hookWasKilled { return "the stop signal while the hook runs" }
      if impatient || !hasBeenReady || listensOnNothing { return "" }
      if now < stoppedAt + options.delay { return "the stop signal before the delay is over" }
      return options.drain == .time || mayForward(stoppedAt) ? "" : "the stop signal while traffic flows"
    case .exit(let code, _):
      exitCode = code
      let expected = hasTimedOut ? 124 : commandLives ? 137 : 5
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
      if hookRuns || stoppedAt != now || !hasBeenReady || signal != .terminate { return "a hook out of turn" }
      hookRuns = true
      return ""
    case .killHook:
      if !hookRuns || hookWasKilled { return "kills a hook that does not run" }
      hookWasKilled = true
      let isBound = latestForwarding.map { now >= $0 } ?? false
      return impatient || listensOnNothing || isBound || mayKill ? "" : "kills the hook too early"
    case .leaveMessage: return ""
    case .suspend: return commandLives && stoppedAt == nil ? "" : "suspends in a stop"
    case .log: return ""
    }
  }

  private var mayBeReady: Bool {
    guard hasBeenReady, commandLives, exitCode == nil, phase < .stopping else { return false }
    return stoppedAt.map { now < $0 + options.readyHold } ?? true
  }

  /// Nothing was seen to listen.
  private var listensOnNothing: Bool {
    lastSample?.sample.listeners == Sample.Listeners.none && options.readyTCP == nil
  }

  /// The bound is reached, or a look at this very moment has seen that traffic has ebbed away.
  private func mayForward(_ stoppedAt: Instant) -> Bool {
    if let latestForwarding, now >= latestForwarding { return true }
    guard let lastSample, lastSample.at == now, lastSample.sample.census.connections == 0 else { return false }
    return options.drain == .zero || now >= max(stoppedAt, lastTraffic ?? stoppedAt) + options.drainQuiet
  }

  /// The end of the drain, at the latest.
  private var latestForwarding: Instant? {
    guard let stoppedAt, commandLives else { return nil }
    let killIn = options.terminationGracePeriod - options.killMargin
    let drainEnd = min(options.delay + options.drainTimeout, killIn - (options.grace ?? .seconds(1)))
    return stoppedAt + max(options.delay, drainEnd)
  }

  /// The kill deadline, once there is one.
  private var killAt: Instant? {
    guard let stoppedAt else { return nil }
    var deadline = stoppedAt + (options.terminationGracePeriod - options.killMargin)
    if let grace = options.grace, let forwardedAt { deadline = min(deadline, forwardedAt + grace) }
    return deadline
  }

  private var mayKill: Bool {
    if let killAt, now >= killAt { return true }
    if let commandEndedAt, now >= commandEndedAt + options.leftoverTimeout { return true }
    return false
  }
}

/// How a run went.
package struct Walk {
  /// How many events the lifecycle was told of.
  package let events: Int
  /// Simulated time, from its start to its end.
  package let lasted: Span
  /// What was wrong, if anything was.
  package let problem: String?
}

extension Instant {
  /// So long after some moment at which everything begins.
  package static func at(_ milliseconds: Int) -> Instant {
    Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds)
  }
}
