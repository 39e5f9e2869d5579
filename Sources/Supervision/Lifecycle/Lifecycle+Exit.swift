import LinuxFormats
import Primitives

extension Lifecycle {
  mutating func commandExited(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard case .running(let pid, _) = command else { return }
    command = .exited(status, group: pid, at: now)
    endStartup(&actions)
    counting = .off
    if phase == .delaying { stop?.delayEnded = (now, "exit") }
    if phase == .draining { stop?.drainEndedBy = .exit }
    enter(.stopping)  // nothing is left to wait for
  }

  /// Counts an orphan and returns true if `handle(.orphanReaped)` would do nothing else, and a following
  /// `handle(.reapedAll)` nothing at all. This matters if a running command creates thousands of orphans.
  package mutating func onlyCounts(orphan pid: Int32) -> Bool {
    guard commandRuns, !options.logsReapedOrphans, !LogLevel.trace.isShown(at: verbosity.level) else { return false }
    count(orphan: pid)
    return true
  }

  private mutating func count(orphan pid: Int32) {
    orphansReaped += 1
    // Nothing is forwarded before. Saves 40 of 1 150 instructions per orphan.
    guard phase >= .stopping else { return }
    stop?.forwarding?.adopted.remove(pid)
    stop?.forwarding?.groupMembers?.remove(pid)
  }

  mutating func orphanReaped(_ pid: Int32, _ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    count(orphan: pid)
    if leftovers != nil {
      let mayHavePassedOn = mayHavePassedOn(status)
      leftovers?.reaped(pid, mayHavePassedOn: mayHavePassedOn, at: now)
    }
    let verbosity = options.logsReapedOrphans ? Verbosity(level: 0) : verbosity
    verbosity.log(
      options.logsReapedOrphans ? .warning : .trace, "reaped",
      [("pid", .number(Int(pid))), ("code", .number(status.code))], "Reaped zombie process with pid=\(pid)", &actions)
  }

  /// Handles the end of reaping. ebb is PID 1 or a subreaper, so if it has no child, it has no descendant.
  mutating func reapedAll(childrenRemain: Bool, at now: Instant, _ actions: inout [Action]) {
    guard case .exited = command else { return }
    if options.asleep != nil {
      if let signal = options.lastSignal { actions.append(.send(signal, to: .commandGroup)) }
      exit(at: now, &actions)
    } else if !childrenRemain {
      exit(at: now, &actions)
    } else if leftovers == nil, phase < .killing {
      beginLeftovers(at: now, &actions)
    }
  }

  mutating func beginKilling(at now: Instant, _ actions: inout [Action]) {
    killing = Killing(
      since: now, sweptAt: now, sweepAt: now + Lifecycle.sweepInterval, searchAt: now + patience / 2,
      hitCommand: commandRuns)
    counting = .off
    enter(.killing)
    // Kill the command directly too, because descendants are found through /proc, which may be missing.
    if commandRuns { actions.append(.send(.sigkill, to: .command)) }
    killHook(&actions)
    // Kill the children first, to stop a fork storm, then all that a short scan finds, in case a parent survives.
    actions.append(.killChildren)
    actions.append(.killDescendants(within: Lifecycle.descendantScanLimit))
    verbosity.log(
      .warning, "killing", [],
      isOutOfReach
        ? "grace period expired, and SIGKILL does not reach the command; exiting, which as PID 1 ends the container"
        : commandRuns
          ? "grace period expired; sent SIGKILL to the command and its descendants (not an out-of-memory kill)"
          : "leftover processes did not exit in time; sent SIGKILL", &actions)
    if isOutOfReach { exit(at: now, &actions) }
  }

  mutating func sweep(at now: Instant, _ actions: inout [Action]) {
    guard let giveUpAt else { return }
    if now >= giveUpAt {
      killing?.hasGivenUp = true
      actions.append(.killChildren)  // no child may be left without SIGKILL
      actions.append(.lookForSurvivors)
      return
    }
    killing?.sweptAt = now
    killing?.sweepAt = now + Lifecycle.sweepInterval
    actions.append(.killChildren)
    // A short scan finds only a part of a large tree, and in a deep tree each sweep reaches one more generation.
    if let searchAt = killing?.searchAt, now >= searchAt {
      killing?.searchAt = nil
      actions.append(.killDescendants(within: patience / 4))
    }
  }

  /// Schedules the next sweep. With thousands of children, one takes some milliseconds, and they need the CPU to die.
  mutating func planSweep(at now: Instant) {
    guard let sweptAt = killing?.sweptAt else { return }
    killing?.sweepAt = now + max(Lifecycle.sweepInterval, TimeAmount(nanoseconds: 4 * (now - sweptAt).nanoseconds))
  }

  /// Ends the run despite survivors. When PID 1 exits, its survivors die too, unless they are in uninterruptible sleep.
  mutating func giveUp(on survivors: [Survivor], isInit: Bool, at now: Instant, _ actions: inout [Action]) {
    guard killing?.hasGivenUp == true else { return }
    let reported = isInit ? survivors.filter { $0.isUninterruptible } : survivors
    if let first = reported.first {
      let reason =
        first.isUninterruptible ? "it is in uninterruptible sleep" : "too many processes, or a fork bomb"
      verbosity.log(
        .warning, "unkillable", [("pid", .number(Int(first.pid))), ("processes", .number(reported.count))],
        "process \(first.pid) (\(first.name)) survived SIGKILL: \(reason); exiting anyway", &actions)
    }
    exit(at: now, &actions)
  }

  /// Stops the command without delay and drain, because ebb can no longer wait for anything but time and children.
  mutating func coreFailed(_ problem: String, at now: Instant, _ actions: inout [Action]) {
    guard options.asleep == nil else { return }  // signals are forwarded without Dispatch too
    hasCoreFailed = true
    verbosity.log(
      .error, "core-failed", [("problem", .text(problem))], "ebb cannot go on without \(problem); stopping the command",
      &actions)
    guard commandRuns, phase < .stopping else { return }
    if stop == nil { stop = newStop(options.stopSignals.usual ?? .sigterm, at: now) }
    skipToForwarding(at: now, &actions)
    counting = .off
  }

  mutating func exit(at now: Instant, _ actions: inout [Action]) {
    var status = ExitStatus.killed(by: .sigkill, dumpedCore: false)  // ebb gave up waiting after this signal
    if let commandStatus { status = commandStatus }
    let timedOut = stop?.isStartupTimeout ?? false
    let code =
      hasCoreFailed
      ? ExitCode.ownFailure : timedOut ? ExitCode.startupTimeout : options.exitCodeRemaps.apply(to: status.code)
    warnOfMissedStop(at: now, &actions)
    let report = report(code: code, at: now)
    if report.level.isShown(at: verbosity.level) { actions.append(.log(report)) }
    // The supervisor below knows more, so it writes the message.
    if stop?.isDelegated != true || killing?.hitCommand == true { actions.append(.writeTerminationMessage(report)) }
    enter(.exited)
    actions.append(.exit(code: code, flush: flushTime(at: now)))
  }

  /// Returns half of the orchestrator's remaining time, at most 500 ms: a reader takes the log immediately or never. If
  /// ebb was late, no time may be left, but the report must still be written.
  func flushTime(at now: Instant) -> TimeAmount {
    let most = TimeAmount.milliseconds(500)
    guard let stop else { return most }
    return max(.milliseconds(100), min(most, (stop.since + times.terminationGracePeriod - now) / 2))
  }
}

// MARK: - The command's end

extension Lifecycle {
  /// Whether the command ended without a stop in a way that an operator should know about. A signal from a person or a
  /// closed pipe is not a crash. Neither is the code of a program that never listened: `grep` exits with 1.
  func isCrash(_ status: ExitStatus?) -> Bool {
    guard stop == nil, let status, options.exitCodeRemaps.apply(to: status.code) != 0 else { return false }
    switch status {
    case .exited: return hasListened
    case .killed(let signal, _): return ![.sigint, .sighup, .sigpipe].contains(signal)
    }
  }

  /// Warns if the command ended soon after a signal that was only forwarded but probably meant as a graceful stop.
  mutating func warnOfMissedStop(at now: Instant, _ actions: inout [Action]) {
    guard stop == nil, hasListened, let (signal, at) = missedStop, case .exited(_, _, let end) = command,
      end - at <= times.terminationGracePeriod
    else { return }
    verbosity.log(
      .warning, "missed-stop-signal", [("signal", .signal(signal)), ("after_ms", .span(end - at))],
      "the command ended \((end - at).approximate) after SIG\(signal.name), which did not begin a stop (no delay, no drain); if it is "
        + "the image's STOPSIGNAL, use --stop-signals TERM,\(signal.name)", &actions)
  }

  /// Advice about a server that SIGTERM stops fast; `nil` if it was sent another signal.
  var serverAdvice: String? {
    guard let stop, options.rewrites.apply(to: stop.signal) == .sigterm else { return nil }
    return server?.advice
  }
}
