import CLibcStubs
import CPlatform
import Platform
import Primitives
import Supervision

/// Connects the outside with the lifecycle: Dispatch sources become events, actions become system calls. It decides
/// nothing. Everything runs on libdispatch's manager queue, which the main thread serves, and nothing blocks.
///
/// The events:
///
///     a signal                   signal, or no event if the lifecycle only forwards it; commandSeen before the one that
///                                begins a stop; stopNow after it if `ebb stop --now` has left its request
///     SIGCHLD, for each child    commandExited, hookEnded, hookFailed, orphanReaped, commandStopped, or no event if the
///                                lifecycle only counts it; after all children, if the command has exited: reapedAll
///     the timer                  timer; set to the lifecycle's `wakeUp` after each event
///     a readiness check          probeSucceeded, probeFailed
///     a pass over connections    sampled, countFailed
///     a health request           no event: the response shows the current lifecycle
///     a scan of processes        children, childrenListen, groupMembers
///     a check of the command     reachSeen, listenersSeen; reachSeen also before the signal that begins a stop
///     a daemon left behind       leftoversListen, before reapedAll
///     leftovers were signalled   leftoversSignalled
///     SIGKILL to all children    childrenKilled
///     Dispatch fails             coreFailed; `finishAlone` replaces the queue
///
/// Events come one at a time. An event caused by an action comes later, except `survivors`, the last one.
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
  /// Reaped after all actions have been performed.
  private var killedChildren: [Int32]?
  private var isReapingKilled = false
  /// Dispatch can no longer be used.
  private var isAlone = false
  /// Work that would be on the queue.
  private var waiting: [() -> Void] = []

  private let queue: dispatch_queue_t = ebb_manager_queue()

  /// Creates the status page; nothing else happens before `serve`. `listener` is the health endpoint's.
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

  /// Handles all events from now on.
  func serve() -> Never {
    ebb_watch_dispatch({ EventLoop.dispatchFailed($0, $1, $2) }, Unmanaged.passUnretained(self).toOpaque())
    serveManagerQueue { [self] in begin() }
  }

  /// Runs on the queue, so that no event comes between these steps.
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
    setTimer(lifecycle.takeWakeUp())  // takes its descriptor now: at a deadline there might be none left
    reapAgain.setTimer(in: .zero)  // for a command that has already exited
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

  // Separate from the few lines that run for every signal.

  @inline(never)
  private func prepare(for signal: Signal) {
    guard lifecycle.prepare(for: signal, processName: readProcessName(of: family.commandPid), at: monotonicTime())
    else { return }
    process(.reachSeen(signalReach(of: family.commandPid)))
    process(.commandSeen(isSupervisor: isAwakeSupervisor(family.commandPid)))
  }

  @inline(never)
  private func handle(_ signal: Signal) {
    process(.signal(signal))
    // `ebb stop --now` writes its request, then sends a stop signal.
    if lifecycle.isStopSignal(signal), board.isStopNowRequested { process(.stopNow) }
  }

  /// Reaps children. SIGCHLD coalesces, so one may stand for any number.
  private func reap() {
    // Bounded, because orphans may die as fast as they are reaped, and a stop signal must not wait for them: 128 take
    // 0.5 ms. With 32, each of 1000 orphans would cost a tenth more.
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

  /// Reports that children remain, which is no news while the command is one of them.
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
      // Before the lifecycle handles the exit, which may be its last event.
      if status.code != 0 { lifecycle.outOfMemoryKills = look.killsSinceStart() }
      process(.commandExited(status))
    case .ended(let pid, let status) where pid == hookProcess?.pid: hookEnded(status)
    case .ended(let pid, let status):
      if !lifecycle.onlyCounts(orphan: pid) { process(.orphanReaped(pid: pid, status)) }
    case .stopped(family.commandPid, let signal): process(.commandStopped(by: signal))
    case .stopped, .nothing, .noChildren: break  // an orphan, or one whose debugger died
    }
  }

  /// Reaps killed children one by one: with thousands, searching for any that has ended takes too long.
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

  /// Must run immediately, because the next signal goes to them.
  private func lookAtLeftovers() {
    guard let (pid, port) = ListeningProcesses.child(within: .milliseconds(20)) else { return }
    process(.leftoversListen(port: port, readProcessName(of: pid).flatMap { KnownServer(processName: $0) }))
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
    // Update the page before logging, so that a reader of the log never finds an older state on the page. Update it
    // once for any number of orphans, after all have been reaped.
    if case .orphanReaped = event {} else { board.update(lifecycle.takeSnapshot()) }
    let wallTime = actions.isEmpty ? 0 : unixMilliseconds()  // the report goes to two places
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
    case .lookForSurvivors: process(.survivors(readSurvivingChildren(), isInit: getpid() == 1))
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
      // Nothing else is left to do before the end.
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

  /// Runs `body` after the remaining actions.
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

  /// A descriptor that existed before the command's start is gone. Without it Dispatch crashes, or sends no further
  /// event. So the same lifecycle ends the command in order, driven by sigtimedwait(2).
  private func finishAlone(_ problem: String) -> Never {
    isAlone = true
    process(.coreFailed(problem))
    reap()
    while true {
      while !waiting.isEmpty { waiting.removeFirst()() }
      let limit = lifecycle.takeWakeUp().map { max(.zero, $0 - monotonicTime()) } ?? .longest
      switch waitForSignal(within: limit) {
      case .sigchld?: reap()
      case let signal?: if !options.neverForwarded.contains(signal) { didReceive(signal) }
      case nil: process(.timer)
      }
    }
  }
}
