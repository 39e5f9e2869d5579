import Primitives

/// A run of one command, from its start to ebb's exit: every phase, deadline and count, as a value. It makes no system
/// call and reads no clock. `handle` receives an event and the time and returns actions; `wakeUp` is the next deadline.
///
/// The phases and their invariants:
///
///     starting   Before `spawned` or `spawnFailed`, nothing runs. Then the command runs and `startup` checks whether it
///                is ready. A stop goes straight to stopping: there is no traffic to lose. So does a stop of a command
///                that is itself a supervisor, which does the delay and the drain.
///     serving    The command runs and is ready. Signals are forwarded. There is no deadline and no timer.
///     delaying   The first stop signal came at `stop.since`, and all deadlines are fixed. The command has not been
///                signalled. The hook, if any, runs in parallel, and the connections are counted.
///     draining   Like delaying, until `traffic` has ended and the hook has exited, or until the timeout.
///     stopping   The stop signal (as rewritten) has been sent once. Or the command has exited, and `leftovers` has the
///                processes to which the stop signal is sent at most once each; without a stop, this follows serving.
///     killing    SIGKILL was sent to every descendant. It is repeated each `sweepInterval` to ebb's current children until
///                none is left or ebb gives up (a process in uninterruptible sleep does not die).
///     exited     `exit` was returned. No further action is ever returned.
///
/// In any order of events:
/// - a process receives the stop signal at most once, and never before the delay is over;
/// - SIGKILL is never sent before a deadline;
/// - a phase never goes back;
/// - the command is never signalled after it was reaped, because its PID may be another process's;
/// - the kill deadline never moves to a later time, unless ebb had no CPU until after the time of forwarding.
///
/// An event is handled before the deadlines: a command that was reaped must not be killed, however late the event is.
package struct Lifecycle: Sendable {
  package private(set) var phase = Phase.starting
  let options: RunOptions
  let verbosity: Verbosity
  /// The times with defaults for those that were not given.
  package let times: StopTimes
  var command = Command.notStarted
  /// The command was a supervisor itself when last checked.
  var commandSupervises = false
  var startup: Startup?
  var stop: Stop?
  var hook: PreStopHookState?
  var traffic: TrafficMonitor?
  var counting = Counting.off
  var leftovers: Leftovers?
  var killing: Killing?
  var hasCoreFailed = false
  /// Since the start, for the status page.
  package internal(set) var orphansReaped = 0
  var phaseSince = Instant(nanoseconds: 0)
  /// The server that `prepare` recognised.
  var server: KnownServer?
  /// The signals that begin a stop, as far as known.
  var stopSignals = SignalSet()
  /// The signals that may begin a stop, depending on the command.
  let mayBeStops: SignalSet
  /// The signals that are never only forwarded: CONT, and those after which ebb stops itself. Stored separately,
  /// because the compiler would copy the options for each signal.
  let notPassedOn: SignalSet
  var reach = SignalReach.signals
  var hasListened = false
  var looks = 0
  var hasLookedAtLeftovers = false
  /// The last signal for which `prepare` found that it begins no stop.
  var plainSignal: (signal: Signal, at: Instant)?
  /// The last signal that may be an image's STOPSIGNAL and was only forwarded.
  var missedStop: (signal: Signal, at: Instant)?
  /// The out-of-memory kills in the memory control group since the start; `nil` if there is no counter.
  package var outOfMemoryKills: Int?
  /// Since the start, for the status page.
  package internal(set) var signalsReceived = 0
  /// Those of the received signals that were sent to the command.
  package internal(set) var signalsForwarded = 0

  enum Command {
    case notStarted
    case running(pid: Int32, hasTerminal: Bool)
    /// The PID may be reused; the process group may still exist.
    case exited(ExitStatus, group: Int32, at: Instant)
  }

  /// The command runs and is not ready yet.
  struct Startup {
    var schedule: ReadinessSchedule
    /// The moment by which it must be ready.
    let deadline: Instant?
  }

  /// A graceful stop in progress.
  struct Stop {
    let signal: Signal
    let since: Instant
    /// No signal came; the command was not ready in time.
    var isStartupTimeout = false
    /// The command is itself a supervisor, which does the delay and the drain.
    let isDelegated: Bool
    /// The end of `--ready-hold`; `nil` if readiness becomes false immediately.
    let readyUntil: Instant?
    let forwardAt: Instant
    /// The latest end of the drain.
    let drainEndsAt: Instant
    /// The end of the termination grace period minus the margin.
    let killLimit: Instant
    /// The moment of SIGKILL; until forwarding, the latest possible one.
    var killAt: Instant
    /// Whether the log line about the delay was written.
    var isDelayAnnounced = false
    var delayEnded: (at: Instant, by: String)?
    var drainEndedBy: DrainEndReason?
    var forwarding: Forwarding?
    var inFlightBeforeKill: Int?
  }

  /// The facts at the moment of forwarding the stop signal.
  struct Forwarding {
    let at: Instant
    let inFlight: Int?
    let trafficWasSteady: Bool?
    /// ebb's children except the command.
    var adopted = SortedSet<Int32>()
    /// With `--group`: the processes that received the stop signal together with the command.
    var groupMembers: SortedSet<Int32>?
  }

  enum Counting {
    case off
    case wanted
    case underWay
    case due(at: Instant)
  }

  struct Killing {
    let since: Instant
    /// The start of the last sweep.
    var sweptAt: Instant
    var sweepAt: Instant
    /// When to search for all descendants once more; `nil` if that is done.
    var searchAt: Instant?
    let hitCommand: Bool
    /// Whether ebb has stopped waiting for survivors.
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

  /// The moment at which `handle(.timer)` is due; `nil` if only another event can change anything.
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

  /// Returns `wakeUp`. Mutating like `takeSnapshot`.
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

  /// The moment of SIGKILL: the earlier deadline of the stop and of the leftovers.
  var killAt: Instant? { earliest(leftovers?.killAt, stop?.killAt) }

  /// The moment at which ebb exits despite survivors. It counts from the moment at which SIGKILL was sent, because ebb
  /// may have been stopped or frozen across the deadline.
  var giveUpAt: Instant? { killing.map { $0.since + patience } }

  /// Half of the margin is for processes to die, half for the report. Of a supervisor above another one, half of the
  /// margin is over by then. Dying takes time even without a margin.
  var patience: TimeAmount { max(times.killMargin / (stop?.isDelegated == true ? 4 : 2), .milliseconds(100)) }

  /// Handles an event that ebb noticed at `now`, and returns the actions.
  @inline(never)  // otherwise the compiler emits it twice
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

// MARK: - Shared by all parts

extension Lifecycle {
  /// `nil` until the command has exited.
  var commandStatus: ExitStatus? {
    if case .exited(let status, _, _) = command { status } else { nil }
  }

  /// The process group that the command leads or led.
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

/// Decides which log lines are shown. Not a method of the lifecycle, because each call would copy that, which is 1 kB.
struct Verbosity: Sendable {
  let level: Int

  /// Builds a record only if it is shown, so that forwarding a signal costs next to nothing.
  @inline(never)  // saves 1/3 kB at each call
  func log(
    _ level: LogLevel, _ event: String, _ fields: @autoclosure () -> [(String, FieldValue)],
    _ message: @autoclosure () -> String, _ actions: inout [Action]
  ) {
    guard level.isShown(at: self.level) else { return }
    actions.append(.log(LogRecord(level, event, fields(), message())))
  }
}
