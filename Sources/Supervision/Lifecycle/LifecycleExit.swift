extension Lifecycle {
  mutating func commandExited(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard case .running(let pid, _) = command else { return }
    command = .exited(status, group: pid, at: now)
    endStartup(&actions)
    counting = .off
    if phase == .delaying { stop?.delayEnded = (now, "exit") }
    if phase == .draining { stop?.drainEndedBy = .exit }
    enter(.stopping)  // there is nothing left to wait for
  }

  mutating func orphanReaped(_ pid: Int32, _ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    orphansReaped += 1
    adopted.remove(pid)
    groupMembers?.remove(pid)
    if leftovers != nil {
      let mayHavePassedOn = mayHavePassedOn(status)
      leftovers?.reaped(pid, mayHavePassedOn: mayHavePassedOn, at: now)
    }
    log(
      options.warnsReaped ? .warning : .trace, "reaped",
      [("pid", .number(Int(pid))), ("code", .number(status.code))], "Reaped zombie process with pid=\(pid)", &actions)
  }

  /// No child means no descendant: a process that loses its parent becomes a child of ebb, which is PID 1 or a subreaper.
  mutating func reapedAll(childrenRemain: Bool, at now: Instant, _ actions: inout [Action]) {
    guard case .exited = command else { return }
    if !childrenRemain {
      exit(at: now, &actions)
    } else if leftovers == nil, phase < .killing {
      beginLeftovers(at: now, &actions)
    }
  }

  mutating func beginKilling(at now: Instant, _ actions: inout [Action]) {
    killing = Killing(since: now, sweepAt: now + Lifecycle.sweepInterval, hitCommand: commandRuns)
    counting = .off
    enter(.killing)
    // The command directly too: descendants are found through /proc, which may not be there.
    if commandRuns { actions.append(.send(.kill, to: .command)) }
    killHook(&actions)
    // The children first, for a storm of forks; then all that a short look finds, for those whose parent does not die.
    actions.append(.killChildren)
    actions.append(.killDescendants(within: Lifecycle.lookAtDescendants))
    log(
      .warning, "killing", [],
      commandRuns
        ? "the grace period is over: SIGKILL to the command and all its descendants (no out-of-memory kill)"
        : "the command's leftovers did not end in time: SIGKILL", &actions)
  }

  mutating func sweep(at now: Instant, _ actions: inout [Action]) {
    guard let giveUpAt else { return }
    if now >= giveUpAt {
      log(
        .warning, "unkillable", [],
        "a process outlived SIGKILL (uninterruptible sleep, or forks without end): ebb exits without it", &actions)
      exit(at: now, &actions)
    } else {
      killing?.sweepAt = now + Lifecycle.sweepInterval
      actions.append(.killChildren)
    }
  }

  mutating func exit(at now: Instant, _ actions: inout [Action]) {
    var status = ExitStatus.killed(by: .kill, dumpedCore: false)  // given up on: that signal is on its way
    if let commandStatus { status = commandStatus }
    let timedOut = stop?.isStartupTimeout ?? false
    let code = timedOut ? ExitCode.startupTimeout : options.remaps.apply(to: status.code)
    let report = report(code: code, at: now)
    if report.level.isShown(at: options.verbosity) { actions.append(.log(report)) }
    // That of the supervisor below knows more.
    if stop?.isDelegated != true || killing?.hitCommand == true { actions.append(.leaveMessage(report)) }
    enter(.exited)
    actions.append(.exit(code: code, flush: flushTime(at: now)))
  }

  /// Half of what is left of the orchestrator's time, and never long: the log is read at once or not at all.
  func flushTime(at now: Instant) -> Span {
    let most = Span.milliseconds(500)
    guard let stop else { return most }
    return max(.zero, min(most, (stop.since + times.terminationGracePeriod - now) / 2))
  }
}
