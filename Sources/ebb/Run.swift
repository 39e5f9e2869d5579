import CPlatform
import Platform
import Supervision

/// What ebb was started with and changes for itself, but not for the command.
struct Inherited {
  let blockedSignals: SignalSet
  /// The parent's pid at the start.
  let parent: Int32

  func restoreSignals() { setBlockedSignals(blockedSignals) }
}

/// `ebb [OPTION...] COMMAND`: supervises the command, and ends with its exit code. Returns one only where the command
/// did not start.
func run(_ options: RunOptions, command: CStrings, environment: CStrings?, _ inherited: Inherited) -> Int32 {
  let startedAt = monotonicTime()
  let log = LogWriter(descriptor: STDERR_FILENO, capacity: 64 * 1024)
  let loop = EventLoop(options, log: log)
  let listener = healthListener(options.health, inherited.parent, warnings: loop)

  adoptOrphans(warnings: loop)
  watchParent(options.parentDeathSignal, inherited.parent, warnings: loop)

  // Before any source exists: the command must inherit what ebb inherited, and its exit stays pending until ebb looks.
  let terminal = Terminal()
  let settings = spawnSettings(options, inherited, terminal)
  let pid: Int32
  do throws(SpawnFailure) {
    pid = try spawn(command, environment: environment, settings)
  } catch {
    return report(error, options)
  }

  // From here on ebb may no longer give up: it warns and carries on.
  let hook = PreStopHook(options.preStop, environment: environment, settings)
  closeInheritedDescriptors(but: listener)
  occupyStandardDescriptors()
  changeDirectory(to: "/")  // a working directory keeps its file system busy
  useOneHeap()

  loop.publish(
    SupervisorFacts(pid: getpid(), startedAt: startedAt, argv: texts(command), options: options), command: pid)
  loop.start(pid: pid, terminal: options.newSession ? nil : terminal, hook: hook, listener: listener)
  // The main thread is the one that may wait, and so the log's. It must never reach dispatch_main(), which would
  // unblock its signals. Most of the code that has run by then never runs again, and an init is resident for months;
  // not sooner, since what ends at once would pay for it.
  log.planRest(in: .milliseconds(100))
  log.run { releaseCode() }
}

private func texts(_ words: CStrings) -> [String] {
  var texts: [String] = []
  while let word = words[texts.count] { texts.append(String(cString: word)) }
  return texts
}

/// Before the command exists: an endpoint that is not there would fail every probe of a container that looks well. Where a
/// supervisor above this one has it, that one answers.
private func healthListener(_ address: HealthAddress?, _ parent: Int32, warnings loop: EventLoop) -> Int32? {
  guard let address else { return nil }
  do throws(Errno) {
    return try HealthServer.listen(on: address)
  } catch {
    if error.code == EADDRINUSE, let above = supervisor(above: parent, holding: address.port) {
      loop.warn(
        "health-above",
        "port \(address.port) of --health belongs to the ebb above this one, pid \(above): it answers there")
      return nil
    }
    _exit(complain("fatal: cannot listen on \(address.text) for --health: \(error.text)"))
  }
}

/// Without a thread and a queue: where no process could be had there is no thread to be had either.
private func report(_ failure: SpawnFailure, _ options: RunOptions) -> Int32 {
  var lifecycle = Lifecycle(options)
  for action in lifecycle.handle(.spawnFailed(failure), at: monotonicTime()) {
    switch action {
    case .log(let record): complain(record.line(options.logFormat, unixMilliseconds: unixMilliseconds()))
    case .leaveMessage(let record):
      writeTerminationLog(
        record.line(options.logFormat, unixMilliseconds: unixMilliseconds()), to: options.terminationLog)
    case .exit(let code, _): return Int32(code)
    default: continue
    }
  }
  return Int32(ExitCode.ownFailure)
}

private func adoptOrphans(warnings loop: EventLoop) {
  guard getpid() != 1 else { return }
  do throws(Errno) {
    try becomeSubreaper()
  } catch {
    loop.warn("no-subreaper", "cannot become a child subreaper: \(error.text); zombie reaping won't work for orphans")
  }
}

private func watchParent(_ signal: Signal?, _ parent: Int32, warnings loop: EventLoop) {
  guard let signal else { return }
  do throws(Errno) {
    try setParentDeathSignal(signal, parent: parent)
  } catch {
    loop.warn("no-parent-death-signal", "cannot ask for SIG\(signal.name) at the parent's death: \(error.text)")
  }
}

private func spawnSettings(_ options: RunOptions, _ inherited: Inherited, _ terminal: Terminal?) -> SpawnSettings {
  let ignoresChildSignal = isIgnored(.child)
  if ignoresChildSignal { setDefaultAction(.child) }  // ignored, the kernel would reap and forget the exit code
  let mayHandOver = options.newSession ? terminal?.leaveForNewSession() : terminal?.isOurs
  return SpawnSettings(
    blockedSignals: inherited.blockedSignals, ignoresChildSignal: ignoresChildSignal, newSession: options.newSession,
    terminal: mayHandOver == true ? terminal : nil)
}
