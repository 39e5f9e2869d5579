/// A run of one command, from its start to ebb's exit: every phase, deadline and count, as a value. No system call, no
/// clock: `handle` is told what happened and when, and answers what to do. `wakeUp` says when it wants to hear of the
/// time.
///
/// The states, and what holds in each:
///
///     starting   nothing runs yet, and the only way on is `spawned` or `spawnFailed`. Or: the command runs and `startup` asks it
///                whether it is ready. A stop goes straight on to stopping from here: there is no traffic to lose.
///     serving    the command runs and is ready; signals are passed on; no deadline, no timer.
///     delaying   the first stop signal has come at `stop.since`. All deadlines are fixed now. The command is untouched; the
///                hook, if there is one, runs beside it.
///     draining   as delaying, until the hook has exited, or its time is over.
///     stopping   the stop signal (as rewritten) has been sent, once. Or: the command has exited and its leftovers have been
///                sent SIGTERM, once; with no stop begun this is entered straight from serving.
///     killing    SIGKILL has been sent to every descendant and is repeated each `sweepInterval` to the children that ebb
///                has by then, until none is left or ebb gives up waiting (a process in uninterruptible sleep does not die).
///     exited     `exit` has been answered. Nothing is ever answered again.
///
/// What never happens, in any order of events: the stop signal goes out twice, or before the delay is over, or a
/// SIGKILL before a deadline; a phase goes back; a signal goes to the command once it was reaped (its pid may be
/// somebody else's); the kill deadline moves to a later time.
///
/// The event comes first and the deadlines after it: a command that was reaped must not be killed, however late it is.
public struct Lifecycle: Sendable {
  /// Where the run is.
  public private(set) var phase = Phase.starting
  private let options: RunOptions
  private var command = Command.notStarted
  private var startup: Startup?
  private var stop: Stop?
  private var hook: Hook?
  private var leftovers: Leftovers?
  private var killing: Killing?
  private var orphansReaped = 0
  private var phaseSince: Instant?
  private var signalsReceived = 0
  private var signalsForwarded = 0

  private enum Command {
    case notStarted
    case running(pid: Int32, hasTerminal: Bool)
    case exited(ExitStatus, at: Instant)
  }

  /// The command runs and is not ready yet.
  private struct Startup {
    var schedule: ReadinessSchedule
    /// When it has to be ready.
    let deadline: Instant?
  }

  /// A graceful stop under way.
  private struct Stop {
    let signal: Signal
    let since: Instant
    /// Nobody sent a signal: the command was not ready in time.
    var isStartupTimeout = false
    /// The end of the delay.
    let forwardAt: Instant
    /// The end of what the drain may wait for beyond that.
    let drainEndsAt: Instant
    var killAt: Instant
    var delayEnded: (at: Instant, by: String)?
    var drainEndedBy: String?
    var forwardedAt: Instant?
  }

  /// Descendants that outlived the command.
  private struct Leftovers {
    let killAt: Instant
  }

  private struct Killing {
    let since: Instant
    var sweepAt: Instant
    /// The command itself was still running.
    let hitCommand: Bool
  }

  private static let sweepInterval = Span.milliseconds(1)
  private static let lookAtDescendants = Span.milliseconds(20)

  /// A run that has not begun.
  public init(_ options: RunOptions) { self.options = options }

  /// When `handle(.timer)` is due; nil: whenever something else happens.
  public var wakeUp: Instant? {
    switch phase {
    case .starting: earliest(startup?.schedule.wakeUp, startup?.deadline)
    case .serving, .exited: nil
    case .delaying: stop?.forwardAt
    case .draining: stop?.drainEndsAt
    case .stopping: earliest(leftovers?.killAt, stop?.killAt)
    case .killing: earliest(killing?.sweepAt, giveUpAt)
    }
  }

  /// When ebb exits though something still lives that has got SIGKILL. Half the margin is for the dying, half for the
  /// report; counted from the deadline, however late ebb came to it.
  private var giveUpAt: Instant? {
    let patience = options.killMargin / 2
    return earliest(killing.map { $0.since + patience }, stop.map { $0.killAt + patience })
  }

  /// What follows from `event`, which ebb learnt of at `now`.
  public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    guard phase != .exited else { return [] }
    let phaseBefore = phase
    defer { if phaseSince == nil || phase != phaseBefore { phaseSince = now } }
    var actions: [Action] = []
    switch event {
    case .spawned(let pid, let hasTerminal):
      command = .running(pid: pid, hasTerminal: hasTerminal)
      log(.debug, "spawned", [("pid", .number(Int(pid)))], "the command runs", &actions)
      beginStartup(at: now, &actions)
    case .spawnFailed(let failure):
      let record = LogRecord(.fatal, "spawn-failed", [("code", .number(failure.code))], failure.message)
      actions.append(.log(record))
      actions.append(.leaveMessage(record))
      enter(.exited)
      actions.append(.exit(code: failure.code, flush: flushTime(at: now)))
    case .signal(let signal): receive(signal, at: now, &actions)
    case .commandStopped(let signal): commandStopped(by: signal, &actions)
    case .commandExited(let status): commandExited(status, at: now, &actions)
    case .orphanReaped(let pid, let status): orphanReaped(pid, status, &actions)
    case .reapedAll(let childrenRemain): reapedAll(childrenRemain: childrenRemain, at: now, &actions)
    case .stopNow: stopNow(at: now, &actions)
    case .probeSucceeded: becomeReady(at: now, &actions)
    case .probeFailed(let problem): probeFailed(problem, at: now, &actions)
    case .hookEnded(let status): hookEnded(status, at: now, &actions)
    case .hookFailed(let failure): hookFailed(failure, at: now, &actions)
    case .timer: break
    }
    while let wakeUp, wakeUp <= now { passDeadline(at: now, &actions) }
    return actions
  }
}

// MARK: - Readiness

extension Lifecycle {
  /// Whether traffic may come: from the command's readiness to the stop signal, and `--ready-hold` longer, but never
  /// past forwarding.
  public func isReady(at now: Instant) -> Bool {
    phase == .serving || readyUntil.map { now < $0 } ?? false
  }

  /// The end of `--ready-hold`.
  private var readyUntil: Instant? {
    guard phase == .delaying || phase == .draining, let stop, options.readyHold > .zero else { return nil }
    return min(stop.since + options.readyHold, stop.drainEndsAt)
  }

  private mutating func beginStartup(at now: Instant, _ actions: inout [Action]) {
    guard !options.readiness.isEmpty else { return enter(.serving) }
    let deadline = options.startupTimeout > .zero ? now + options.startupTimeout : nil
    startup = Startup(schedule: ReadinessSchedule(at: now), deadline: deadline)
    log(.debug, "starting", [], "the command is asked whether it is ready", &actions)
  }

  private mutating func passStartupDeadline(at now: Instant, _ actions: inout [Action]) {
    guard let startup else { return }
    if let deadline = startup.deadline, deadline <= now {
      startupTimedOut(at: now, &actions)
    } else if startup.schedule.isAsking {
      actions.append(.abandonProbe)
      probeFailed("no answer in time", at: now, &actions)
    } else {
      self.startup?.schedule.begin(at: now)
      actions.append(.probe)
    }
  }

  private mutating func becomeReady(at now: Instant, _ actions: inout [Action]) {
    guard phase == .starting, startup != nil else { return }
    startup = nil
    enter(.serving)
    log(.debug, "serving", [], "the command is ready", &actions)
  }

  private mutating func probeFailed(_ problem: String, at now: Instant, _ actions: inout [Action]) {
    guard phase == .starting else { return }
    startup?.schedule.failed(at: now, problem)
    log(.trace, "not-ready", [("problem", .text(problem))], "the command is not ready yet", &actions)
  }

  /// No attempt is made any more.
  private mutating func endStartup(_ actions: inout [Action]) {
    if startup?.schedule.isAsking == true { actions.append(.abandonProbe) }
    startup = nil
  }

  /// As a stop signal would stop it in this phase. The time of the orchestrator does not run yet, but a command that
  /// cannot start must not hang for longer than one that stops.
  private mutating func startupTimedOut(at now: Instant, _ actions: inout [Action]) {
    log(
      .warning, "startup-timeout",
      [
        ("after_ms", .span(options.startupTimeout)),
        ("problem", startup?.schedule.lastProblem.map { .text($0) } ?? .null),
      ],
      "the command was not ready within \(options.startupTimeout.text): it is stopped", &actions)
    stop = newStop(options.stopSignals.usual ?? .terminate, at: now)
    stop?.isStartupTimeout = true
    skipToForwarding(at: now, &actions)
  }

  private mutating func skipToForwarding(at now: Instant, _ actions: inout [Action]) {
    endStartup(&actions)
    enter(.delaying)
    endDelay(by: "skipped", at: now, &actions)
    endDrain(by: "skipped", at: now, &actions)
  }
}

// MARK: - Signals

extension Lifecycle {
  /// What `handle(.signal)` would answer, where that is nothing but to send the signal on: the one event whose latency
  /// somebody feels. Needs no clock, no memory and little code, since what costs is code and memory that is not in the
  /// processor's cache.
  public mutating func passesOn(_ signal: Signal) -> (signal: Signal, target: Action.Target)? {
    guard phase == .serving, !options.stopSignals.contains(signal), signal != .continue, options.verbosity < 2,
      let sent = options.rewrites.apply(to: signal)
    else { return nil }
    signalsReceived += 1
    signalsForwarded += 1
    return (sent, target)
  }

  private mutating func receive(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    signalsReceived += 1
    if options.stopSignals.contains(signal) {
      if stop == nil { beginStop(signal, at: now, &actions) } else { repeatedStop(signal, at: now, &actions) }
      return
    }
    // A terminal stops a whole group (`a | b`), and so the whole group has to go on.
    forward(signal, to: signal == .continue && hasTerminal ? .group : target, &actions)
    // Somebody sits at a keyboard and does not want to wait.
    if phase == .delaying || phase == .draining, signal == .interrupt || signal == .quit {
      endDelay(by: "signal", at: now, &actions)
      endDrain(by: "signal", at: now, &actions)
    }
  }

  private mutating func repeatedStop(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    guard let stop else { return }
    log(
      .info, "repeated-stop-signal", [("signal", .signal(signal)), ("kill_in_ms", .span(stop.killAt - now))],
      "a stop is under way already: nothing changes", &actions)
  }

  private var target: Action.Target { options.signalsGroup ? .group : .command }

  private var commandRuns: Bool {
    if case .running = command { true } else { false }
  }

  private var hasTerminal: Bool {
    if case .running(_, hasTerminal: true) = command { true } else { false }
  }

  /// As rewritten; nothing where that drops it or nobody is left to get it.
  private mutating func forward(_ signal: Signal, to target: Action.Target, _ actions: inout [Action]) {
    guard commandRuns, let sent = options.rewrites.apply(to: signal) else { return }
    signalsForwarded += 1
    actions.append(.send(sent, to: target))
    log(
      .trace, "forwarded", [("signal", .signal(signal)), ("as", .signal(sent))], "passed on to the command", &actions)
  }

  private func commandStopped(by signal: Signal, _ actions: inout [Action]) {
    // Job control: the shell that started ebb must see its job stopped. Where no such shell is (ebb is PID 1, or its
    // group is orphaned) the kernel does not stop ebb, and the command goes on at once, which is what the kernel does
    // without an init.
    guard hasTerminal, stop == nil,
      signal == .terminalStop || signal == .terminalInput || signal == .terminalOutput
    else { return }
    log(
      .trace, "suspended", [("signal", .signal(signal))], "the terminal stopped the command: ebb stops with it",
      &actions)
    actions.append(.suspend)
  }
}

// MARK: - The stop

extension Lifecycle {
  private mutating func beginStop(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    let begun = newStop(signal, at: now)
    let killIn = begun.killAt - now
    stop = begun
    guard commandRuns else {
      log(
        .info, "stop-signal", [("signal", .signal(signal)), ("kill_in_ms", .span(killIn))],
        "the command has exited already: what it left behind is ending", &actions)
      return
    }
    guard phase > .starting else {
      log(
        .info, "stop-signal",
        [("signal", .signal(signal)), ("forward_in_ms", .span(.zero)), ("kill_in_ms", .span(killIn))],
        "the stop begins: the command is not ready, so no traffic is lost; SIGKILL in \(killIn.text)", &actions)
      return skipToForwarding(at: now, &actions)
    }
    log(
      .info, "stop-signal",
      [("signal", .signal(signal)), ("forward_in_ms", .span(options.delay)), ("kill_in_ms", .span(killIn))],
      "the stop begins: the command serves on for \(options.delay.text), SIGKILL in \(killIn.text)", &actions)
    enter(.delaying)
    if options.delay > .zero {
      log(
        .info, "delaying", [("for_ms", .span(options.delay))], "the command is untouched while routing changes",
        &actions)
    }
    if !options.preStop.isEmpty {
      hook = Hook(startedAt: now)
      actions.append(.startHook(signal))
    }
  }

  /// Every deadline of a stop, fixed once. None of them may push `killAt`: it is the orchestrator's time that runs out.
  /// So the drain ends in time for the grace that was asked for (a second, where none was), even if that cuts
  /// `drainTimeout` short.
  private func newStop(_ signal: Signal, at now: Instant) -> Stop {
    let forwardAt = now + options.delay
    let killIn = options.terminationGracePeriod - options.killMargin
    let latest = now + (killIn - (options.grace ?? .seconds(1)))
    return Stop(
      signal: signal, since: now, forwardAt: forwardAt,
      drainEndsAt: max(forwardAt, min(forwardAt + options.drainTimeout, latest)), killAt: now + killIn)
  }

  /// Somebody wants no delay and no drain: `ebb stop --now`.
  private mutating func stopNow(at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying || phase == .draining else { return }
    endDelay(by: "request", at: now, &actions)
    endDrain(by: "skipped", at: now, &actions)
  }

  private mutating func passDeadline(at now: Instant, _ actions: inout [Action]) {
    switch phase {
    case .delaying:
      endDelay(by: "time", at: now, &actions)
      if hookRuns {
        let rest = stop.map { $0.drainEndsAt - now }
        log(.info, "draining", [("for_ms", .span(rest))], "waits for the pre-stop hook", &actions)
      } else {
        endDrain(by: nil, at: now, &actions)
      }
    case .draining: endDrain(by: "bound", at: now, &actions)
    case .stopping: beginKilling(at: now, &actions)
    case .killing: sweep(at: now, &actions)
    case .starting: passStartupDeadline(at: now, &actions)
    case .serving, .exited: return
    }
  }

  private mutating func endDelay(by reason: String, at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying else { return }
    stop?.delayEnded = (now, reason)
    enter(.draining)
  }

  private mutating func endDrain(by reason: String?, at now: Instant, _ actions: inout [Action]) {
    guard var stop else { return }
    killHook(&actions)
    stop.drainEndedBy = reason
    stop.forwardedAt = now
    if let grace = options.grace { stop.killAt = min(stop.killAt, now + grace) }
    self.stop = stop
    enter(.stopping)
    let sent = options.rewrites.apply(to: stop.signal)
    if let sent {
      signalsForwarded += 1
      actions.append(.send(sent, to: target))
      // A command that somebody stopped (SIGSTOP, Ctrl-Z) could not act on it.
      actions.append(.send(.continue, to: target))
    }
    log(
      .info, "stopping",
      [
        ("signal", .signal(sent)), ("to", .text(options.signalsGroup ? "group" : "command")),
        ("kill_in_ms", .span(stop.killAt - now)),
      ],
      sent == nil
        ? "the stop signal is dropped by --rewrite: SIGKILL ends the command" : "the command has been told to stop",
      &actions)
  }
}

// MARK: - The hook

extension Lifecycle {
  private var hookRuns: Bool { hook?.isRunning ?? false }

  private mutating func hookEnded(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(status, at: now)
    log(
      status.code == 0 ? .info : .warning, "hook-exited", hook?.facts ?? [],
      hook?.wasKilled == true ? "the pre-stop hook took too long and was killed" : "the pre-stop hook has exited",
      &actions)
    if phase == .draining { endDrain(by: nil, at: now, &actions) }
  }

  private mutating func hookFailed(_ failure: SpawnFailure, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(.exited(code: failure.code), at: now)
    log(
      .warning, "hook-failed", [("code", .number(failure.code))],
      "the stop goes on without the pre-stop hook: \(failure.message)", &actions)
    if phase == .draining { endDrain(by: nil, at: now, &actions) }
  }

  /// Its time is over.
  private mutating func killHook(_ actions: inout [Action]) {
    guard hookRuns, hook?.wasKilled == false else { return }
    hook?.wasKilled = true
    actions.append(.killHook)
  }
}

// MARK: - Exits and leftovers

extension Lifecycle {
  private mutating func commandExited(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard commandRuns else { return }
    command = .exited(status, at: now)
    endStartup(&actions)
    if phase == .delaying { stop?.delayEnded = (now, "exit") }
    if phase == .draining { stop?.drainEndedBy = "exit" }
    enter(.stopping)  // there is nothing left to wait for
  }

  private mutating func orphanReaped(_ pid: Int32, _ status: ExitStatus, _ actions: inout [Action]) {
    orphansReaped += 1
    log(
      options.warnsReaped ? .warning : .trace, "reaped",
      [("pid", .number(Int(pid))), ("code", .number(status.code))], "Reaped zombie process with pid=\(pid)", &actions)
  }

  /// No child means no descendant: whoever loses its parent becomes a child of ebb, which is PID 1 or a subreaper.
  private mutating func reapedAll(childrenRemain: Bool, at now: Instant, _ actions: inout [Action]) {
    guard case .exited = command else { return }
    if !childrenRemain {
      exit(at: now, &actions)
    } else if leftovers == nil, phase < .killing {
      endLeftovers(at: now, &actions)
    }
  }

  private mutating func endLeftovers(at now: Instant, _ actions: inout [Action]) {
    leftovers = Leftovers(killAt: now + options.leftoverTimeout)
    // However many processes there are to look at, SIGKILL is not late for it.
    let patience = wakeUp.map { $0 - now } ?? options.leftoverTimeout
    actions.append(.signalDescendants([.terminate, .continue], within: patience))
    log(
      stop == nil ? .debug : .info, "leftovers", [("kill_in_ms", .span(wakeUp.map { $0 - now }))],
      "the command has exited and left processes behind: they have been told to stop", &actions)
  }

  private mutating func beginKilling(at now: Instant, _ actions: inout [Action]) {
    killing = Killing(since: now, sweepAt: now + Lifecycle.sweepInterval, hitCommand: commandRuns)
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

  private mutating func sweep(at now: Instant, _ actions: inout [Action]) {
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

  private mutating func exit(at now: Instant, _ actions: inout [Action]) {
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
  private func flushTime(at now: Instant) -> Span {
    let most = Span.milliseconds(500)
    guard let stop else { return most }
    return max(.zero, min(most, (stop.since + options.terminationGracePeriod - now) / 2))
  }

  private mutating func enter(_ next: Phase) {
    if next > phase { phase = next }
  }
}

// MARK: - The report

extension Lifecycle {
  private func report(code: Int, at now: Instant) -> LogRecord {
    var status: ExitStatus?
    var commandEnded = now
    if case .exited(let how, let at) = command { (status, commandEnded) = (how, at) }
    var signal: Signal?
    if case .killed(let by, _) = status { signal = by }
    let killed = killing?.hitCommand == true && (status == nil || signal == .kill)
    return LogRecord(
      stop == nil ? .debug : .info, "exited",
      [
        ("code", .number(code)), ("signal", .signal(signal)), ("killed", .flag(killed)),
        ("stop_signal", .signal(stop.flatMap { $0.isStartupTimeout ? nil : $0.signal })),
        ("startup_timed_out", .flag(stop?.isStartupTimeout ?? false)),
        ("delay_ms", .span(stop.flatMap { stop in stop.delayEnded.map { $0.at - stop.since } })),
        ("delay_ended_by", stop?.delayEnded.map { .text($0.by) } ?? .null),
        ("drain_ms", .span(stop.flatMap(drainTime))), ("drain_ended_by", stop?.drainEndedBy.map { .text($0) } ?? .null),
        ("stop_ms", .span(stop?.forwardedAt.map { commandEnded - $0 })),
        ("stop_ended_by", stop?.forwardedAt == nil ? .null : .text(killed ? "deadline" : "exit")),
        ("pre_stop", hook.map { .object($0.facts.map { LogRecord.Fact(key: $0.0, value: $0.1) }) } ?? .null),
        ("reaped", .number(orphansReaped)),
      ],
      sentence(status: status, killed: killed))
  }

  /// From the end of the delay to that of the drain; nil where there was none.
  private func drainTime(_ stop: Stop) -> Span? {
    guard let forwardedAt = stop.forwardedAt, let delayEnded = stop.delayEnded else { return nil }
    return forwardedAt - delayEnded.at
  }

  private func sentence(status: ExitStatus?, killed: Bool) -> String {
    if killed { return "the command did not stop in time and was killed at the deadline" }
    if stop?.isStartupTimeout == true { return "the command was not ready in time and was stopped" }
    switch status {
    case .exited(let code): return "the command exited with \(code)"
    case .killed(let signal, let dumpedCore):
      return "the command was killed by SIG\(signal.name)\(dumpedCore ? ", core dumped" : "")"
    case nil: return "the command is still there"
    }
  }
}

private func earliest(_ one: Instant?, _ other: Instant?) -> Instant? {
  guard let one, let other else { return one ?? other }
  return min(one, other)
}

extension Lifecycle {
  /// Nothing is put together for a line that is not shown: forwarding a signal shall cost next to nothing.
  private func log(
    _ level: LogLevel, _ event: String, _ facts: @autoclosure () -> [(String, FactValue)],
    _ message: @autoclosure () -> String, _ actions: inout [Action]
  ) {
    guard level.isShown(at: options.verbosity) else { return }
    actions.append(.log(LogRecord(level, event, facts(), message())))
  }
}

// MARK: - The status page

extension Lifecycle {
  /// What a status page shows.
  public var snapshot: StatusSnapshot {
    var snapshot = StatusSnapshot(since: phaseSince ?? Instant(nanoseconds: 0))
    snapshot.phase = phase
    snapshot.isReady = phase == .serving
    snapshot.readyUntil = readyUntil
    switch command {
    case .notStarted: break
    case .running(let pid, _): snapshot.command = .running(pid: pid)
    case .exited(let status, _): snapshot.command = .exited(code: status.code)
    }
    if let stop {
      snapshot.stop = StatusSnapshot.Stop(
        signal: stop.signal, since: stop.since, delayEndsAt: stop.forwardAt,
        forwardAt: hookRuns ? stop.drainEndsAt : stop.forwardAt, forwardedAt: stop.forwardedAt)
    }
    snapshot.killAt = leftovers?.killAt ?? stop?.killAt
    snapshot.received = signalsReceived
    snapshot.forwarded = signalsForwarded
    snapshot.reaped = orphansReaped
    return snapshot
  }
}
