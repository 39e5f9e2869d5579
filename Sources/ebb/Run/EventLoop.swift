import CLibcStubs
import CPlatform
import Platform
import Primitives
import Supervision

/// Between the outside and the lifecycle: Dispatch sources become events, actions become system calls. Nothing here
/// decides anything. Everything runs on libdispatch's manager queue, which the main thread serves, and none of it waits.
///
/// What each event of the outside becomes:
///
///     a signal                   signal, or no event at all where the lifecycle only passes it on; commandSeen before the
///                                one that begins a stop; stopNow behind it where `ebb stop --now` has left its request
///     SIGCHLD, for each child:   commandExited, hookEnded, hookFailed, orphanReaped or commandStopped, or no event at all
///                                where the lifecycle only counts it; when all have been looked at and the command does not
///                                run any more: reapedAll
///     the timer                  timer; it is set to the lifecycle's `wakeUp` after each event
///     an answer of the command   probeSucceeded, probeFailed
///     the end of a pass over
///     the connections            sampled, countFailed
///     a request for health       no event: the answer is made of the lifecycle as it stands
///     a look at processes        children, childrenListen, groupMembers
///     a look at the command      reachSeen, listenersSeen; reachSeen also before the signal that begins a stop
///     a daemon was left behind   leftoversListen, before reapedAll
///     leftovers were signalled   leftoversSignalled
///     SIGKILL has been sent
///     to all children            childrenKilled
///     Dispatch fails             coreFailed, and `finishAlone` takes the place of the queue
///
/// Events come one at a time. An action whose outcome is an event gets it later, but for `lookForSurvivors`, which is the
/// last one: survivors.
final class EventLoop {
  private let options: RunOptions
  private let journal: Journal
  private let board: StatusBoard
  private let family: Family
  private let terminal: Terminal?
  private let hook: PreStopHookLauncher?
  private let signals: SignalIntake
  private let timer: DispatchSource
  private let reapAgain: DispatchSource
  private let probe: ReadinessProbe
  private let health: HealthServer?
  private let look: CommandLook
  private lazy var counter = newCounter()

  private var lifecycle: Lifecycle
  private var hookProcess: HookProcess?
  private var timerIsSetFor: Instant?
  /// To be looked at when all actions have been performed.
  private var killedChildren: [Int32]?
  private var isReapingKilled = false
  /// Dispatch cannot be used any more.
  private var isAlone = false
  /// What it would do next.
  private var waiting: [() -> Void] = []

  private let queue: dispatch_queue_t = ebb_manager_queue()

  /// Shows the status page; nothing else happens before `serve`. `listener` is the health endpoint's.
  init(
    _ options: RunOptions, _ info: SupervisorInfo, command pid: Int32, terminal: Terminal?, hook: PreStopHookLauncher?,
    listener: Int32?, _ journal: Journal
  ) {
    (self.options, self.journal, self.terminal, self.hook) = (options, journal, terminal, hook)
    family = Family(commandPid: pid, journal)
    lifecycle = Lifecycle(options)
    let actions = lifecycle.handle(.spawned(pid: pid, hasTerminal: terminal != nil), at: info.startedAt)
    board = StatusBoard(info, lifecycle.snapshot, journal)
    timer = DispatchSource(timerOn: queue)
    reapAgain = DispatchSource(timerOn: queue)
    probe = ReadinessProbe(options.readiness, on: queue)
    health = if let listener { HealthServer(listener, on: queue) } else { nil }
    signals = SignalIntake(on: queue, without: options.neverForwarded)
    look = CommandLook(on: queue, health: options.health?.port)
    for action in actions { perform(action, unixMilliseconds()) }
  }

  /// From now on all that comes is acted on.
  func serve() -> Never {
    ebb_watch_dispatch({ EventLoop.dispatchFailed($0, $1, $2) }, Unmanaged.passUnretained(self).toOpaque())
    serveManagerQueue { [self] in begin() }
  }

  /// On the queue: no event can come between these steps.
  private func begin() {
    timer.start { [self] in process(.timer) }
    reapAgain.start { [self] in
      // At its first event all sources are installed.
      ebb_watch_dispatch(nil, nil)
      do throws(Errno) {
        try signals.receiveOthers()
      } catch {
        finishAlone("signalfd4: \(error.description)")
      }
      reap()
    }
    signals.start { [self] in
      didReceive($0)
    } childrenChanged: { [self] in
      reap()
    }
    look.start { [self] in lookAtCommand() }
    family.commandIsOutOfReach = { [self] in later { [self] in process(.reachSeen(signalReach(of: family.commandPid))) }
    }
    look.plan(in: lifecycle.waitForLook())
    health?.start { [self] path in board.response(path, of: lifecycle, at: monotonicTime()) }
    setTimer(lifecycle.takeWakeUp())  // its descriptor is taken now: at a deadline there might be none left
    reapAgain.setTimer(in: .zero)  // for a command that died at once
  }
}

// MARK: - From the outside

extension EventLoop {
  private func didReceive(_ signal: Signal) {
    if lifecycle.mustPrepare(for: signal, at: monotonicTime()) { prepare(for: signal) }
    guard let (sent, target) = lifecycle.forwardImmediately(signal) else { return handle(signal) }
    family.send(sent, to: target)
    board.update(received: lifecycle.signalsReceived, forwarded: lifecycle.signalsForwarded)
  }

  // Apart from the few lines that each signal takes.

  @inline(never)
  private func prepare(for signal: Signal) {
    guard lifecycle.prepare(for: signal, processName: processName(of: family.commandPid), at: monotonicTime())
    else { return }
    process(.reachSeen(signalReach(of: family.commandPid)))
    process(.commandSeen(isSupervisor: isAwakeSupervisor(family.commandPid)))
  }

  @inline(never)
  private func handle(_ signal: Signal) {
    process(.signal(signal))
    // `ebb stop --now` writes its request and then sends a stop signal.
    if lifecycle.isStopSignal(signal), board.isStopNowRequested { process(.stopNow) }
  }

  /// SIGCHLDs coalesce: one may stand for any number of children.
  private func reap() {
    // Bounded, because orphans may die as fast as they are reaped, and a stop signal must not wait for them: 128 take half a
    // millisecond. With 32 an orphan of a thousand costs a tenth more.
    for _ in 0..<128 {
      switch nextChildEvent() {
      case .nothing:
        if lifecycle.mustLookAtLeftovers() { lookAtLeftovers() }
        return reapedAll()
      case .noChildren: return process(.reapedAll(childrenRemain: false))
      case let event: take(event)
      }
    }
    reapedAll()
    if !isAlone { reapAgain.setTimer(in: .zero) }
  }

  /// Children remain, and while the command is one of them this is no news.
  private func reapedAll() {
    if lifecycle.commandRuns {
      board.update(reaped: lifecycle.orphansReaped)
    } else {
      process(.reapedAll(childrenRemain: true))
    }
  }

  private func take(_ event: ChildEvent) {
    switch event {
    case .ended(family.commandPid, let status):
      // Before the lifecycle learns of the end, which may be the last that it does.
      if status.code != 0 { lifecycle.outOfMemoryKills = look.killsSinceStart() }
      process(.commandExited(status))
    case .ended(let pid, let status) where pid == hookProcess?.pid: hookEnded(status)
    case .ended(let pid, let status):
      if !lifecycle.onlyCounts(orphan: pid) { process(.orphanReaped(pid: pid, status)) }
    case .stopped(family.commandPid, let signal): process(.commandStopped(by: signal))
    case .stopped, .nothing, .noChildren: break  // an orphan, or one whose debugger died
    }
  }

  /// Those that have got SIGKILL, one by one: with thousands of them to look for any that has ended takes too long.
  private func reap(_ children: [Int32]) {
    isReapingKilled = true
    for child in children { take(nextChildEvent(of: child)) }
    isReapingKilled = false
    reap()
  }

  private func lookAtCommand() {
    guard lifecycle.phase <= .serving else { return }
    process(.reachSeen(signalReach(of: family.commandPid)))
    look.begin { [self] outcome in
      if case .listenersSeen = outcome { process(outcome) }
      look.plan(in: lifecycle.waitForLook())
    }
  }

  /// At once: the next thing that they get is a signal.
  private func lookAtLeftovers() {
    guard let (pid, port) = ListeningProcesses.child(within: .milliseconds(20)) else { return }
    process(.leftoversListen(port: port, processName(of: pid).flatMap { KnownServer(processName: $0) }))
  }

  private func hookEnded(_ status: ExitStatus) {
    let failure = hookProcess?.failure
    hookProcess = nil
    process(failure.map { .hookFailed($0) } ?? .hookEnded(status))
  }
}

// MARK: - Events and actions

extension EventLoop {
  private func process(_ event: Event) {
    let actions = lifecycle.handle(event, at: monotonicTime())
    // Before the log: a reader of a line finds nothing older on the page. Once for any number of orphans, when all have
    // been reaped.
    if case .orphanReaped = event {} else { board.update(lifecycle.takeSnapshot()) }
    let wallTime = actions.isEmpty ? 0 : unixMilliseconds()  // one for all: the report is written to two places
    for action in actions { perform(action, wallTime) }
    if let children = killedChildren, !isReapingKilled {
      killedChildren = nil
      process(.childrenKilled)
      reap(children)
    }
    let wakeUp = lifecycle.takeWakeUp()
    if wakeUp != timerIsSetFor { setTimer(wakeUp) }
  }

  private func setTimer(_ wakeUp: Instant?) {
    timerIsSetFor = wakeUp
    if !isAlone { timer.setTimer(in: wakeUp.map { max(.zero, $0 - monotonicTime()) } ?? .longest) }
  }

  private func perform(_ action: Action, _ wallTime: Int) {
    switch action {
    case .send(let signal, let target): family.send(signal, to: target)
    case .killDescendants(let limit): family.killDescendants(within: limit)
    case .findChildren:
      let children = family.children()
      later { [self] in process(.children(children)) }
    case .findGroup:
      let members = readGroupMembers(inGroup: family.commandPid, within: .milliseconds(10))
      later { [self] in process(.groupMembers(members)) }
    case .signalLeftovers(let signal, let targets):
      let count = family.signalLeftovers(signal, targets)
      later { [self] in process(.leftoversSignalled(count, signal)) }
    case .findListening(let pids): findListening(pids)
    case .killChildren:
      killedChildren = family.killChildren()
    case .lookForSurvivors: process(.survivors(survivingChildren(), isInit: getpid() == 1))
    case .suspend: suspend()
    case .stopSelf: stopSelf()
    case .probe: probe.begin { [self] answer in process(answer) }
    case .abandonProbe: probe.abandon()
    case .count(let lookForListeners):
      counter.begin(lookForListeners: lookForListeners) { [self] outcome in process(outcome) }
    case .startHook(let signal): startHook(signal)
    case .killHook: if let hookProcess { family.send(.sigkill, to: .group(hookProcess.pid)) }
    case .log(let record): journal.write(record, at: wallTime)
    case .writeTerminationMessage(let record): journal.writeTerminationMessage(record, at: wallTime)
    case .exit(let code, let flush):
      terminal?.takeBack(from: family.commandPid)
      journal.flush(within: flush)
      _exit(Int32(code))
    }
  }

  private func newCounter() -> ConnectionCounter {
    let sampler = ConnectionSampler(
      ports: options.ports, owner: .descendants(of: getpid()), excluding: options.health?.port,
      quiet: lifecycle.times.drainQuiet, ownConnections: { [self] in health?.acceptedCount ?? 0 })
    return ConnectionCounter(sampler, on: queue)
  }

  private func startHook(_ signal: Signal) {
    do throws(SpawnFailure) {
      hookProcess = try hook?.start(signal)
    } catch {
      later { [self] in process(.hookFailed(error)) }
    }
  }

  private func findListening(_ pids: [Int32]) {
    let search = ListeningProcesses(pids, excluding: options.health?.port)
    if isAlone {
      // Nothing else is to be done but to end.
      while true {
        if let listening = search.step() { return later { [self] in process(.childrenListen(listening)) } }
      }
    }
    let timer = DispatchSource(timerOn: queue)
    timer.start { [self] in
      guard let listening = search.step() else { return timer.setTimer(in: .zero) }
      timer.cancel {}
      process(.childrenListen(listening))
    }
    timer.setTimer(in: .zero)
  }

  /// The actions that follow this one come first.
  private func later(_ body: @escaping () -> Void) {
    if isAlone { waiting.append(body) } else { DispatchSource.runOnce(on: queue, body) }
  }

  private func suspend() {
    guard let terminal else { return }
    terminal.takeBack(from: family.commandPid)
    suspendSelf()
    if terminal.handOver(to: family.commandPid) { family.send(.sigcont, to: .commandGroup) }
  }
}

// MARK: - Without Dispatch

extension EventLoop {
  private static func dispatchFailed(_ context: UnsafeMutableRawPointer?, _ call: UnsafePointer<CChar>, _ error: Int32)
  {
    guard let context else { return }
    Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
      .finishAlone("\(String(cString: call)): \(Errno(code: error).description)")
  }

  /// What was there before the command's start is not to be had any more, and without it Dispatch crashes, or never calls
  /// again. So the command is ended in order, by the same lifecycle, which sigtimedwait(2) drives now.
  private func finishAlone(_ problem: String) -> Never {
    isAlone = true
    process(.coreFailed(problem))
    reap()
    while true {
      while !waiting.isEmpty { waiting.removeFirst()() }
      let limit = lifecycle.takeWakeUp().map { max(.zero, $0 - monotonicTime()) } ?? .longest
      switch nextSignal(within: limit) {
      case .sigchld?: reap()
      case let signal?: if !options.neverForwarded.contains(signal) { didReceive(signal) }
      case nil: process(.timer)
      }
    }
  }
}
