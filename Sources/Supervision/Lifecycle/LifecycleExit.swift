extension Lifecycle {
  mutating func commandExited(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard commandRuns else { return }
    command = .exited(status, at: now)
    endStartup(&actions)
    counting = .off
    if phase == .delaying { stop?.delayEnded = (now, "exit") }
    if phase == .draining { stop?.drainEndedBy = .exit }
    enter(.stopping)  // there is nothing left to wait for
  }

  mutating func orphanReaped(_ pid: Int32, _ status: ExitStatus, _ actions: inout [Action]) {
    orphansReaped += 1
    log(
      options.warnsReaped ? .warning : .trace, "reaped",
      [("pid", .number(Int(pid))), ("code", .number(status.code))], "Reaped zombie process with pid=\(pid)", &actions)
  }

  /// No child means no descendant: whoever loses its parent becomes a child of ebb, which is PID 1 or a subreaper.
  mutating func reapedAll(childrenRemain: Bool, at now: Instant, _ actions: inout [Action]) {
    guard case .exited = command else { return }
    if !childrenRemain {
      exit(at: now, &actions)
    } else if leftovers == nil, phase < .killing {
      endLeftovers(at: now, &actions)
    }
  }

  mutating func endLeftovers(at now: Instant, _ actions: inout [Action]) {
    leftovers = Leftovers(killAt: now + options.leftoverTimeout)
    // However many processes there are to look at, SIGKILL is not late for it.
    let patience = wakeUp.map { $0 - now } ?? options.leftoverTimeout
    actions.append(.signalDescendants([.terminate, .continue], within: patience))
    log(
      stop == nil ? .debug : .info, "leftovers", [("kill_in_ms", .span(wakeUp.map { $0 - now }))],
      "the command has exited and left processes behind: they have been told to stop", &actions)
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
    actions.append(.signalDescendants([.kill], within: Lifecycle.lookAtDescendants))
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
    if case .exited(let reaped, _) = command { status = reaped }
    let timedOut = stop?.isStartupTimeout ?? false
    let code = timedOut ? ExitCode.startupTimeout : options.remaps.apply(to: status.code)
    let report = report(code: code, at: now)
    if report.level.isShown(at: options.verbosity) { actions.append(.log(report)) }
    actions.append(.leaveMessage(report))
    enter(.exited)
    actions.append(.exit(code: code, flush: flushTime(at: now)))
  }

  /// Half of what is left of the orchestrator's time, and never long: the log is read at once or not at all.
  func flushTime(at now: Instant) -> Span {
    let most = Span.milliseconds(500)
    guard let stop else { return most }
    return max(.zero, min(most, (stop.since + options.terminationGracePeriod - now) / 2))
  }
}
