// Stopping the processes that the command left behind.

import Primitives

extension Lifecycle {
  /// Begins the wait for leftovers. In a stop, they may use all the remaining time.
  mutating func beginLeftovers(at now: Instant, _ actions: inout [Action]) {
    let timeout = options.leftoverTimeout ?? stop.map { $0.killAt - now } ?? .seconds(2)
    let end = now + max(.zero, timeout)
    leftovers = Leftovers(killAt: end, mayHavePassedOn: mayHavePassedOn(commandStatus), at: now)
  }

  /// Performs the due steps. Each one moves `wakeUp` forward.
  mutating func advanceLeftovers(at now: Instant, _ actions: inout [Action]) {
    signalHeads(at: now, &actions)
    if let pids = leftovers?.takeUnchecked(at: now), !pids.isEmpty { actions.append(.findListening(pids)) }
    if leftovers?.takeLook(at: now) == true { actions.append(.findChildren) }
  }

  /// Handles the list of children. While the command runs, no parent can pass a stop signal to any of these.
  mutating func childrenFound(_ children: [ChildProcess]?, at now: Instant, _ actions: inout [Action]) {
    guard phase == .stopping else { return }
    guard !commandRuns else {
      stop?.forwarding?.adopted = SortedSet((children ?? []).map { $0.pid })
      return
    }
    guard let deadline = killAt else { return }
    let forwarding = stop?.forwarding
    let isFirst = leftovers?.hasHeads == false && children?.isEmpty != true
    let signalled: Leftovers.Signalled =
      forwarding == nil || !options.targetsProcessGroup
      ? .none : forwarding?.groupMembers.map { .members($0) } ?? .group(commandGroup ?? 0)
    leftovers?.add(children, signalled: signalled, untold: forwarding?.adopted, deadline: deadline, at: now)
    if isFirst {
      verbosity.log(
        leftoverLevel, "leftovers", [("kill_in_ms", .span(deadline - now))],
        "the command has exited and left processes behind", &actions)
    }
    signalHeads(at: now, &actions)
  }

  mutating func childrenListen(_ pids: [Int32], at now: Instant, _ actions: inout [Action]) {
    guard phase == .stopping else { return }
    leftovers?.signal(pids, at: now)
    signalHeads(at: now, &actions)
  }

  private mutating func signalHeads(at now: Instant, _ actions: inout [Action]) {
    guard let due = leftovers?.takeDue(at: now), !due.isEmpty,
      let signal = options.rewrites.apply(to: stop?.signal ?? .sigterm)
    else { return }
    actions.append(.signalLeftovers(signal, due))
  }

  func leftoversSignalled(_ count: Int, _ signal: Signal, _ actions: inout [Action]) {
    guard count > 0 else { return }
    verbosity.log(
      leftoverLevel, "leftovers-stopping", [("signal", .signal(signal)), ("count", .number(count))],
      "sent leftover processes SIG\(signal.name)", &actions)
  }

  /// Whether a process that ended like this may have signalled its children before. If it died of a signal, it cannot
  /// have; before the stop signal was forwarded, there was nothing to pass on.
  func mayHavePassedOn(_ status: ExitStatus?) -> Bool {
    if case .exited = status { stop?.forwarding != nil } else { false }
  }

  private var leftoverLevel: LogLevel { stop == nil ? .debug : .info }
}
