import Primitives

/// A run of one command, from its start to ebb's exit: every phase, deadline and count, as a value. No system call, no
/// clock: `handle` is told what happened and when, and answers what to do. `wakeUp` says when it wants to hear of the
/// time.
///
/// The states, and what holds in each:
///
///     starting   nothing runs yet, and the only way on is `spawned` or `spawnFailed`. Or: the command runs and `startup` asks it
///                whether it is ready. A stop goes straight on to stopping from here: there is no traffic to lose. So does one
///                of a command that is a supervisor itself: that one has the delay and the drain.
///     serving    the command runs and is ready; signals are passed on; no deadline, no timer.
///     delaying   the first stop signal has come at `stop.since`. All deadlines are fixed now. The command is untouched; the
///                hook, if there is one, runs beside it, and the connections are counted.
///     draining   as delaying, until `traffic` says that it has ebbed away and the hook has exited, or their time is over.
///     stopping   the stop signal (as rewritten) has been sent, once. Or: the command has exited, and `leftovers` has what it
///                left behind, each to be sent the stop signal at most once; with no stop begun this is entered straight from
///                serving.
///     killing    SIGKILL has been sent to every descendant and is repeated each `sweepInterval` to the children that ebb
///                has by then, until none is left or ebb gives up waiting (a process in uninterruptible sleep does not die).
///     exited     `exit` has been answered. Nothing is ever answered again.
///
/// What never happens, in any order of events: the stop signal goes out twice to a process, or before the delay is over, or
/// a SIGKILL before a deadline; a phase goes back; a signal goes to the command once it was reaped (its pid may be
/// another process's); the kill deadline moves to a later time, unless ebb itself got no processor until after the moment
/// at which it had to forward the stop signal.
///
/// The event comes first and the deadlines after it: a command that was reaped must not be killed, however late it is.
package struct Lifecycle: Sendable {
  /// Where the run is.
  package private(set) var phase = Phase.starting
  let options: RunOptions
  let verbosity: Verbosity
  /// With the defaults of those that were not given.
  package let times: StopTimes
  var command = Command.notStarted
  /// The command was a supervisor itself at the last look.
  var commandSupervises = false
  var startup: Startup?
  var stop: Stop?
  var hook: PreStopHookState?
  var traffic: TrafficMonitor?
  var counting = Counting.off
  var leftovers: Leftovers?
  var killing: Killing?
  var hasCoreFailed = false
  /// Since the start, for a status page.
  package internal(set) var orphansReaped = 0
  var phaseSince = Instant(nanoseconds: 0)
  /// As `prepare` has seen it.
  var server: KnownServer?
  /// Those that begin a stop, as far as is known.
  var stopSignals = SignalSet()
  /// Those that may, whatever the command is.
  let mayBeStops: SignalSet
  /// Those that are never just passed on: CONT, and those after which ebb stops itself. A set of its own: to ask the options
  /// the compiler would copy them, for each signal.
  let notPassedOn: SignalSet
  var reach = SignalReach.signals
  var hasListened = false
  var looks = 0
  var hasLookedAtLeftovers = false
  /// The last signal of which `prepare` found that it begins no stop.
  var plainSignal: (signal: Signal, at: Instant)?
  /// The last signal that may be an image's STOPSIGNAL, and that was only forwarded.
  var missedStop: (signal: Signal, at: Instant)?
  /// Out-of-memory kills that the memory control group has counted since the start; `nil` if it does not count.
  package var outOfMemoryKills: Int?
  /// Since the start, for a status page.
  package internal(set) var signalsReceived = 0
  /// Of these, those that the command has been sent.
  package internal(set) var signalsForwarded = 0

  enum Command {
    case notStarted
    case running(pid: Int32, hasTerminal: Bool)
    /// The pid is free, its process group may live on.
    case exited(ExitStatus, group: Int32, at: Instant)
  }

  /// The command runs and is not ready yet.
  struct Startup {
    var schedule: ReadinessSchedule
    /// When it has to be ready.
    let deadline: Instant?
  }

  /// A graceful stop under way.
  struct Stop {
    let signal: Signal
    let since: Instant
    /// No signal came: the command was not ready in time.
    var isStartupTimeout = false
    /// The command is a supervisor itself: it has the delay and the drain.
    let isDelegated: Bool
    /// The end of `--ready-hold`; nil: readiness is false at once.
    let readyUntil: Instant?
    /// The end of the delay.
    let forwardAt: Instant
    /// The end of what the drain may wait for beyond that.
    let drainEndsAt: Instant
    /// The end of the termination grace period, less the margin.
    let killLimit: Instant
    /// When SIGKILL comes; until the forwarding: at the latest.
    var killAt: Instant
    /// The log has said that the delay holds.
    var isDelayAnnounced = false
    var delayEnded: (at: Instant, by: String)?
    var drainEndedBy: DrainEndReason?
    var forwarding: Forwarding?
    var inFlightBeforeKill: Int?
  }

  /// What is known of the moment at which the stop signal was forwarded.
  struct Forwarding {
    let at: Instant
    let inFlight: Int?
    let trafficWasSteady: Bool?
    /// Children of ebb, other than the command.
    var adopted = SortedSet<Int32>()
    /// With `--group`: those that have had the stop signal with the command.
    var groupMembers: SortedSet<Int32>?
  }

  /// Whether somebody looks at the connections.
  enum Counting {
    case off
    case wanted
    case underWay
    case due(at: Instant)
  }

  struct Killing {
    let since: Instant
    /// The last one begun.
    var sweptAt: Instant
    var sweepAt: Instant
    /// When all descendants are looked for once more; nil: that has been done.
    var searchAt: Instant?
    /// The command itself was still running.
    let hitCommand: Bool
    /// The patience is over.
    var hasGivenUp = false
  }

  static let sweepInterval = TimeAmount.milliseconds(1)
  static let descendantScanLimit = TimeAmount.milliseconds(20)
  static let finalSampleLead = TimeAmount.milliseconds(250)

  package init(_ options: RunOptions) {
    self.options = options
    verbosity = Verbosity(level: options.verbosity)
    times = options.times
    stopSignals = options.stopSignals
    notPassedOn = options.selfStops.union(SignalSet([.sigcont]))
    mayBeStops =
      options.asleep == nil
      ? options.stopSignals.union(KnownServer.gracefulStops).union(Lifecycle.imageStopSignals) : SignalSet()
  }

  /// When `handle(.timer)` is due; nil: whenever something else happens.
  package var wakeUp: Instant? {
    var copy = self
    return copy.takeWakeUp()
  }

  mutating func passDeadline(at now: Instant, _ actions: inout [Action]) {
    switch phase {
    case .delaying:
      if let stop, stop.forwardAt <= now {
        enterDraining(delayEnded: "time", at: now, &actions)
        beginDrain(at: now, &actions)
      } else {
        counting = .wanted
      }
    case .draining:
      if let stop, stop.drainEndsAt <= now {
        forwardStopSignal(drainEnded: .bound, at: now, &actions)
      } else {
        counting = .wanted
      }
    case .stopping:
      if let killAt, killAt <= now {
        beginKilling(at: now, &actions)
      } else if let due = leftovers?.wakeUp, due <= now {
        advanceLeftovers(at: now, &actions)
      } else {
        counting = .wanted
      }
    case .killing: sweep(at: now, &actions)
    case .starting: passStartupDeadline(at: now, &actions)
    case .serving, .exited: return
    }
  }

  /// As `wakeUp`. Mutating as `takeSnapshot` is.
  package mutating func takeWakeUp() -> Instant? {
    switch phase {
    case .starting: earliest(startup?.schedule.wakeUp, startup?.deadline)
    case .serving, .exited: nil
    case .delaying: earliest(stop?.forwardAt, nextPass)
    case .draining: earliest(stop?.drainEndsAt, nextPass)
    case .stopping: earliest(killAt, earliest(nextPass, leftovers?.wakeUp))
    case .killing: killing?.hasGivenUp == true ? nil : earliest(killing?.sweepAt, giveUpAt)
    }
  }

  /// When SIGKILL comes: the deadline of the stop or of the leftovers, whichever is the first.
  var killAt: Instant? { earliest(leftovers?.killAt, stop?.killAt) }

  /// When ebb exits though something still lives that has got SIGKILL. Counted from when that was sent: ebb may have been
  /// stopped or frozen across the deadline.
  var giveUpAt: Instant? { killing.map { $0.since + patience } }

  /// Half the margin is for the dying, half for the report; of a supervisor above another one half the margin is over by
  /// then. Dying takes its time without a margin too.
  var patience: TimeAmount { max(times.killMargin / (stop?.isDelegated == true ? 4 : 2), .milliseconds(100)) }

  /// What follows from `event`, which ebb learnt of at `now`.
  @inline(never)  // else it is there twice
  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    guard phase != .exited else { return [] }
    let phaseBefore = phase
    defer { if phase != phaseBefore { phaseSince = now } }
    var actions: [Action] = []
    switch event {
    case .spawned(let pid, let hasTerminal):
      command = .running(pid: pid, hasTerminal: hasTerminal)
      phaseSince = now
      verbosity.log(.debug, "spawned", [("pid", .number(Int(pid)))], "the command runs", &actions)
      if let warning = times.warning(options) { verbosity.log(.warning, "short-grace", [], warning, &actions) }
      beginStartup(at: now, &actions)
    case .spawnFailed(let failure):
      let code = options.asleep?.exitCode(of: failure) ?? failure.code
      let record = LogRecord(.fatal, "spawn-failed", [("code", .number(code))], failure.message)
      actions.append(.log(record))
      actions.append(.writeTerminationMessage(record))
      enter(.exited)
      actions.append(.exit(code: code, flush: flushTime(at: now)))
    case .commandSeen(let isSupervisor): commandSupervises = isSupervisor
    case .signal(let signal): receive(signal, at: now, &actions)
    case .commandStopped(let signal): commandStopped(by: signal, &actions)
    case .commandExited(let status): commandExited(status, at: now, &actions)
    case .orphanReaped(let pid, let status): orphanReaped(pid, status, at: now, &actions)
    case .reapedAll(let childrenRemain): reapedAll(childrenRemain: childrenRemain, at: now, &actions)
    case .children(let children): childrenFound(children, at: now, &actions)
    case .groupMembers(let pids): stop?.forwarding?.groupMembers = pids.map { SortedSet($0) }
    case .leftoversSignalled(let count, let signal): leftoversSignalled(count, signal, &actions)
    case .childrenListen(let pids): childrenListen(pids, at: now, &actions)
    case .stopNow: stopNow(at: now, &actions)
    case .probeSucceeded: becomeReady(at: now, &actions)
    case .probeFailed(let problem): probeFailed(problem, at: now, &actions)
    case .hookEnded(let status): hookEnded(status, at: now, &actions)
    case .hookFailed(let failure): hookFailed(failure, at: now, &actions)
    case .sampled(let sample): sampled(sample, at: now, &actions)
    case .countFailed(let problem): countFailed(problem, at: now, &actions)
    case .childrenKilled: planSweep(at: now)
    case .survivors(let survivors, let isInit): giveUp(on: survivors, isInit: isInit, at: now, &actions)
    case .coreFailed(let problem): coreFailed(problem, at: now, &actions)
    case .timer: break
    case .reachSeen(let reach): seeReach(reach, &actions)
    case .listenersSeen(let listeners): seeListeners(listeners, &actions)
    case .leftoversListen(let port, let server): warnOfDaemon(port, server, &actions)
    }
    while let wakeUp = takeWakeUp(), wakeUp <= now { passDeadline(at: now, &actions) }
    countIfWanted(at: now, &actions)
    return actions
  }
}

// MARK: - For all parts

extension Lifecycle {
  /// Nil while the command has not ended.
  var commandStatus: ExitStatus? {
    if case .exited(let status, _, _) = command { status } else { nil }
  }

  /// The process group that the command leads, or led.
  var commandGroup: Int32? {
    switch command {
    case .notStarted: nil
    case .running(let pid, _): pid
    case .exited(_, let group, _): group
    }
  }

  mutating func enter(_ next: Phase) {
    if next > phase { phase = next }
  }
}

/// Which lines the log shows. Apart from the lifecycle, of which a method that logs would be handed a copy for each line: a
/// kilobyte.
struct Verbosity: Sendable {
  let level: Int

  /// Nothing is put together for a line that is not shown: forwarding a signal shall cost next to nothing.
  @inline(never)  // a third of a kilobyte at each call
  func log(
    _ level: LogLevel, _ event: String, _ fields: @autoclosure () -> [(String, FieldValue)],
    _ message: @autoclosure () -> String, _ actions: inout [Action]
  ) {
    guard level.isShown(at: self.level) else { return }
    actions.append(.log(LogRecord(level, event, fields(), message())))
  }
}
