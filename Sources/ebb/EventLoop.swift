import CPlatform
import Platform
import Supervision

/// Between the outside and the lifecycle: Dispatch sources become events, actions become system calls. Nothing here
/// decides anything.
///
/// Everything runs on one serial queue, libdispatch's manager queue, and none of it waits.
final class EventLoop {
  private let options: RunOptions
  private let log: LogWriter
  private var lifecycle: Lifecycle
  private let queue = ebb_manager_queue()
  private var timer: DispatchSource?
  private var timerIsSetFor: Instant?
  private var reapAgain: DispatchSource?
  private var sources: [DispatchSource] = []

  private var commandPid: Int32 = 0
  private var hook: PreStopHook?
  private var hookPid: Int32?
  private var probe: ReadinessProbe?
  private var health: HealthServer?
  /// From the stop signal on.
  private var counter: ConnectionCounter?
  private var facts: SupervisorFacts?
  /// The last answer of `/status`, and when it was true.
  private var statusAnswer: (bytes: [UInt8], at: Instant)?
  private var terminal: Terminal?
  private var hasWarnedOfProc = false
  private var page: StatusMemory?

  /// Those that are sent for a reason every day have a Dispatch signal source each. A source is one more descriptor,
  /// which the kernel wakes at every signal whether it is meant or not (0.4 µs of about 20); so the other signals share
  /// one. Where descriptors are short (16 is enough) more of them do: some must be left for looking at /proc, and for a
  /// client of the health endpoint.
  private static let signalsWithSource: [Signal] =
    descriptorLimit() < 32 ? [.terminate] : [.terminate, .interrupt, .hangup, .user1]

  init(_ options: RunOptions, log: LogWriter) {
    self.options = options
    self.log = log
    lifecycle = Lifecycle(options)
  }

  /// Begins to look at the world. On the queue already: no event can come between these steps, above all no exit of the
  /// command before its start. `listener` is the health endpoint's.
  func start(pid: Int32, terminal: Terminal?, hook: PreStopHook?, listener: Int32?) {
    DispatchSource.runOnce(on: queue) { [self] in
      commandPid = pid
      self.terminal = terminal
      self.hook = hook
      // The timer's descriptor is taken now: at a deadline there might be none left.
      timer = DispatchSource(timerOn: queue) { [self] in post(.timer) }
      timer?.setTimer(in: .longest)
      reapAgain = DispatchSource(timerOn: queue) { [self] in reap() }
      if !options.readiness.isEmpty {
        probe = ReadinessProbe(options.readiness, on: queue) { [self] answer in post(answer) }
      }
      // The moment that is on the page already: it shall not change where nothing has.
      post(.spawned(pid: pid, hasTerminal: terminal != nil), at: facts?.startedAt ?? monotonicTime())
      for signal in EventLoop.signalsWithSource {
        sources.append(DispatchSource(signal: signal, on: queue) { [self] in received(signal) })
      }
      sources.append(DispatchSource(signal: .child, on: queue) { [self] in reap() })
      watchOtherSignals()
      if let listener {
        health = HealthServer(listener, on: queue, rest: planRest) { [self] path in content(path) }
      }
      reap()  // a command that died at once
    }
  }

  /// Shows the state of the run to whoever may see it, from now on.
  func publish(_ facts: SupervisorFacts, command pid: Int32) {
    self.facts = facts
    var begun = lifecycle  // whoever reads before the queue runs shall see no state that is over
    _ = begun.handle(.spawned(pid: pid, hasTerminal: false), at: facts.startedAt)
    do throws(Errno) {
      page = try StatusMemory(Status(facts: facts, now: begun.snapshot))
    } catch {
      warn(
        "no-status-page",
        "cannot create the status page: \(error.text); ebb status, stop and probe will not find this supervisor")
    }
  }

  private func watchOtherSignals() {
    // SIGCHLD excepted, what is never forwarded stays blocked and pending: it does nothing.
    let others = SignalSet.all.subtracting(SignalSet(EventLoop.signalsWithSource)).subtracting(.neverForwarded)
    do throws(Errno) {
      let descriptor = try openSignalDescriptor(others)
      sources.append(DispatchSource(readable: descriptor, on: queue) { [self] in takeOtherSignals(from: descriptor) })
    } catch {
      warn("signals-lost", "cannot open a signal descriptor: \(error.text); only some signals are forwarded")
    }
  }

  /// A handful at a time: a storm of signals must not keep the deadlines waiting. The source fires again while there
  /// are more.
  private func takeOtherSignals(from descriptor: Int32) {
    guard let signals = try? takeSignals(from: descriptor) else { return }
    for signal in signals { received(signal) }
  }

  private func received(_ signal: Signal) {
    if let (sent, target) = lifecycle.passesOn(signal) {
      send(sent, to: target)
      page?.update(received: lifecycle.signalsReceived, forwarded: lifecycle.signalsForwarded)
      return
    }
    if lifecycle.beginsStop(signal) {
      post(.commandSeen(isSupervisor: (try? StatusReader.open(pid: commandPid)) != nil))
    }
    post(.signal(signal))
    // `ebb stop --now` writes its request and then sends a stop signal.
    if options.stopSignals.contains(signal), page?.isStopNowRequested == true { post(.stopNow) }
  }
}

// MARK: - Children

extension EventLoop {
  /// SIGCHLDs coalesce: one may stand for any number of children.
  private func reap() {
    // Bounded, since orphans may die as fast as they are reaped, and a stop signal must not wait for them.
    for _ in 0..<32 {
      switch nextChildEvent() {
      case .ended(commandPid, let status): post(.commandExited(status))
      case .ended(let pid, let status) where pid == hookPid:
        hookPid = nil
        post(.hookEnded(status))
      case .ended(let pid, let status): post(.orphanReaped(pid: pid, status))
      case .stopped(commandPid, let signal): post(.commandStopped(by: signal))
      case .stopped: continue  // nobody's business: an orphan, or one whose debugger died
      case .nothing: return post(.reapedAll(childrenRemain: true))
      case .noChildren: return post(.reapedAll(childrenRemain: false))
      }
    }
    post(.reapedAll(childrenRemain: true))
    reapAgain?.setTimer(in: .zero)
  }
}

// MARK: - Events and actions

extension EventLoop {
  private func post(_ event: Event, at now: Instant = monotonicTime()) {
    statusAnswer = nil
    let actions = lifecycle.handle(event, at: now)
    // First: who has read a line of the log finds nothing older there. Once for any number of orphans, behind which
    // comes `reapedAll`.
    if case .orphanReaped = event {} else { page?.update(lifecycle.snapshot) }
    let wallTime = actions.isEmpty ? 0 : unixMilliseconds()  // one for all: the report is written to two places
    for action in actions { perform(action, wallTime) }
    guard lifecycle.wakeUp != timerIsSetFor else { return }
    timerIsSetFor = lifecycle.wakeUp
    timer?.setTimer(in: lifecycle.wakeUp.map { max(.zero, $0 - monotonicTime()) } ?? .longest)
  }

  private func perform(_ action: Action, _ wallTime: Int) {
    switch action {
    case .send(let signal, let target): send(signal, to: target)
    case .killDescendants(let limit): killDescendants(within: limit)
    case .killChildren: if !signalChildren(.kill) { killDescendants(within: .milliseconds(20)) }
    case .findChildren: findChildren()
    case .findGroup: findGroup()
    case .signalLeftovers(let signal, let targets): signalLeftovers(signal, targets)
    case .findListening(let pids): findListening(pids)
    case .suspend: suspend()
    case .probe: probe?.begin()
    case .abandonProbe: probe?.abandon()
    case .count(let lookForListeners): count(lookForListeners: lookForListeners)
    case .startHook(let signal): startHook(signal)
    case .killHook: if let hookPid { send(.kill, to: .group(hookPid)) }
    case .log(let record): write(record, wallTime)
    case .leaveMessage(let record):
      writeTerminationLog(record.line(options.logFormat, unixMilliseconds: wallTime), to: options.terminationLog)
    case .exit(let code, let flush):
      terminal?.takeBack(from: commandPid)
      log.flush(within: flush)
      _exit(Int32(code))
    }
  }

  private func findChildren() {
    let children = ownChildren()?.filter { $0.pid != commandPid }
    if children == nil { warnOfProc() }
    // Later: the actions that follow this one come first.
    DispatchSource.runOnce(on: queue) { [self] in post(.children(children)) }
  }

  private func findGroup() {
    let members = processes(inGroup: commandPid, within: .milliseconds(10))
    DispatchSource.runOnce(on: queue) { [self] in post(.groupMembers(members)) }
  }

  private func signalLeftovers(_ signal: Signal, _ targets: [Action.Target]) {
    var count = 0
    for target in targets where send(signal, to: target) {
      send(.continue, to: target)
      count += 1
    }
    DispatchSource.runOnce(on: queue) { [self] in post(.leftoversSignalled(count, signal)) }
  }

  private func findListening(_ pids: [Int32]) {
    let search = ListeningProcesses(pids, excluding: options.health?.port)
    var timer: DispatchSource?
    timer = DispatchSource(timerOn: queue) { [self] in
      guard let listening = search.step() else { timer?.setTimer(in: .zero); return }
      timer?.cancel {}
      timer = nil
      post(.childrenListen(listening))
    }
    timer?.setTimer(in: .zero)
  }

  private func count(lookForListeners: Bool) {
    if counter == nil {
      let watch = ConnectionWatch(
        ports: options.ports, owner: .descendants(of: getpid()), excluding: options.health?.port,
        quiet: lifecycle.times.drainQuiet, ownConnections: { [self] in health?.acceptedCount ?? 0 })
      counter = ConnectionCounter(watch, on: queue, rest: planRest) { [self] event in post(event) }
    }
    counter?.begin(lookForListeners: lookForListeners)
  }

  /// Code that was needed for a moment is given back, as that of the start was; by the main thread, since the one that
  /// does it needs some of it again to go on. Not after each piece of work: questions come in bursts.
  private func planRest() { log.planRest(in: .milliseconds(200)) }

  private func startHook(_ signal: Signal) {
    do throws(SpawnFailure) {
      hookPid = try hook?.start(signal)
    } catch {
      // Later: the actions that follow this one come first.
      DispatchSource.runOnce(on: queue) { [self] in post(.hookFailed(error)) }
    }
  }

  private func content(_ path: HealthPath) -> HealthContent {
    let now = monotonicTime()
    switch path {
    case .ready: return .readiness(lifecycle.isReady(at: now), lifecycle.phase)
    case .live: return .liveness
    case .status: return .json(status(at: now))
    case .metrics: return .metrics(facts.map { metrics(Status(facts: $0, now: lifecycle.snapshot), at: now) } ?? [])
    }
  }

  /// A look at each process is no work that a client may ask for as often as it likes: signals would wait for it.
  private func status(at now: Instant) -> [UInt8] {
    if let statusAnswer, now < statusAnswer.at + .milliseconds(100) { return statusAnswer.bytes }
    guard let facts else { return [] }
    let own = getpid()
    let bytes = statusJSON(
      Status(facts: facts, now: lifecycle.snapshot), pid: own, processes: readDescendants(of: own), at: now)
    statusAnswer = (bytes, now)
    return bytes
  }

  /// Returns whether it was sent.
  @discardableResult
  private func send(_ signal: Signal, to target: Action.Target) -> Bool {
    switch target {
    case .command: send(signal, to: SignalTarget.process(commandPid))
    case .group: send(signal, to: SignalTarget.group(commandPid))
    case .child(let pid): send(signal, to: SignalTarget.process(pid))
    }
  }

  @discardableResult
  private func send(_ signal: Signal, to target: SignalTarget) -> Bool {
    do throws(Errno) {
      try Platform.send(signal, to: target)
      return true
    } catch {
      guard error.code != ESRCH else { return false }
      warn("signal-failed", "cannot send SIG\(signal.name) to \(target.text): \(error.text)")
      return false
    }
  }

  private func killDescendants(within limit: Span) {
    guard !signalDescendants(.kill, within: limit) else { return }
    send(.kill, to: .group(commandPid))
    warnOfProc()
  }

  private func warnOfProc() {
    guard !hasWarnedOfProc else { return }
    hasWarnedOfProc = true
    warn(
      "no-proc",
      "/proc is not mounted here: what outlives the command is signalled only where it is in the command's process group"
    )
  }

  private func suspend() {
    guard let terminal else { return }
    terminal.takeBack(from: commandPid)
    suspendSelf()
    if terminal.handOver(to: commandPid) { send(.continue, to: .group(commandPid)) }
  }

  func warn(_ event: String, _ message: String) {
    write(LogRecord(.warning, event, message), unixMilliseconds())
  }

  private func write(_ record: LogRecord, _ wallTime: Int) {
    let dropped = log.takeDroppedCount()
    if dropped > 0 {
      let notice = LogRecord(
        .warning, "log-dropped", [("lines", .number(dropped))], "standard error was not read in time")
      log.submit(notice.line(options.logFormat, unixMilliseconds: wallTime))
    }
    log.submit(record.line(options.logFormat, unixMilliseconds: wallTime))
  }
}
