import CPlatform
import Platform
import Primitives
import Supervision

/// `ebb [OPTION...] COMMAND`: supervises the command and exits with its exit code. Returns an exit code only if the
/// command did not start.
func run(_ options: RunOptions, command: CStrings, environment: CStrings?, _ inherited: InheritedState) -> Int32 {
  let startedAt = monotonicTime()
  let journal = Journal(options)
  let listener = openHealthListener(options.health, inherited.parent, journal)
  let descriptorLimit = provideRunRequirements(options)
  if options.asleep == nil { warnOfUnknownVariables(environment, journal) }
  adoptOrphans(options.asleep, journal)
  watchParent(options.parentDeathSignal, inherited.parent, journal)

  // Before any source exists, because the command must inherit what ebb inherited. Its exit stays pending.
  let terminal = Terminal()
  let settings = makeSpawnSettings(options, inherited, terminal, descriptorLimit)
  let pid: Int32
  do throws(SpawnFailure) {
    pid = try spawn(command, environment: environment, settings)
  } catch {
    return reportSpawnFailure(error, options, journal)
  }

  // From here on ebb must not give up: it warns and continues, or ends the command in order.
  let hook = PreStopHookLauncher(options.preStop, environment: environment, settings)
  closeInheritedDescriptors(but: listener)
  openMissingStandardStreams()
  changeDirectory(to: "/")  // a working directory keeps its file system busy
  useOneHeap()

  let info = SupervisorInfo(pid: getpid(), startedAt: startedAt, argv: strings(command), options: options)
  let loop = EventLoop(
    options, info, command: pid, terminal: options.newSession ? nil : terminal, hook: hook, listener: listener,
    journal)
  loop.serve()
}

/// Reserves the descriptors that Dispatch will create after the command's start, and others needed at one time: two for
/// reading /proc, one for the status page, and those of each configured part. Exits if it fails.
private func provideRunRequirements(_ options: RunOptions) -> Int? {
  let counting =
    options.asleep != nil || options.drain == .time && options.delay == TimeAmount.zero
    ? 0 : ConnectionSampler.maxDescriptors
  let others = 3 + counting + (options.readiness.isEmpty ? 0 : 1) + (options.health == nil ? 0 : 1)
  do throws(MissingRequirement) {
    return try provideRequirements(signals: SignalIntake.descriptorCount, others: others)
  } catch {
    _ = printError("fatal: cannot supervise a command: \(error.message)")
    _exit(Int32(options.ownFailure))
  }
}

private func strings(_ arguments: CStrings) -> [String] {
  var texts: [String] = []
  while let word = arguments[texts.count] { texts.append(String(cString: word)) }
  return texts
}

/// Before the command starts, because a missing endpoint would fail every probe of a container that looks healthy. If a
/// supervisor above this one has the port, that one responds.
private func openHealthListener(_ address: HealthAddress?, _ parent: Int32, _ journal: Journal) -> Int32? {
  guard let address else { return nil }
  do throws(Errno) {
    return try HealthServer.listen(on: address)
  } catch {
    if error.code == EADDRINUSE, let above = findSupervisor(above: parent, holding: address.port) {
      journal.warn(
        "health-above",
        "port \(address.port) of --health belongs to the ebb above this one, pid \(above): it answers there")
      return nil
    }
    _exit(printError("fatal: cannot listen on \(address.description) for --health: \(error.description)"))
  }
}

/// Without the queue, which does not exist yet.
private func reportSpawnFailure(_ failure: SpawnFailure, _ options: RunOptions, _ journal: Journal) -> Int32 {
  var lifecycle = Lifecycle(options)
  for action in lifecycle.handle(.spawnFailed(failure), at: monotonicTime()) {
    switch action {
    case .log(let record): printError(record.line(options.logFormat, unixMilliseconds: unixMilliseconds()))
    case .writeTerminationMessage(let record): journal.writeTerminationMessage(record, at: unixMilliseconds())
    case .exit(let code, let flush):
      journal.flush(within: flush)
      return Int32(code)
    default: continue
    }
  }
  return Int32(ExitCode.ownFailure)
}

private func warnOfUnknownVariables(_ environment: CStrings?, _ journal: Journal) {
  for problem in unknownVariables(environment) { journal.warn("unknown-variable", problem) }
}

/// Returns what is wrong with the variables whose names begin with `EBB_`.
func unknownVariables(_ environment: CStrings?) -> [String] {
  variableNames(in: environment, beginningWith: "EBB_").compactMap { name in
    // An empty variable counts as unset.
    getenv(name).map({ $0[0] }) ?? 0 != 0 ? problem(withVariable: name) : nil
  }
}

private func adoptOrphans(_ asleep: Asleep?, _ journal: Journal) {
  guard getpid() != 1 else { return }
  if let asleep, !asleep.isSubreaper {
    if asleep.warnsOfZombies, !isSubreaper() {
      let message =
        "zombie reaping won't work: this process is neither PID 1 nor a child subreaper; use -s or TINI_SUBREAPER"
      journal.write(LogRecord(.warning, "no-subreaper", message), at: unixMilliseconds())
    }
    return
  }
  do throws(Errno) {
    try becomeSubreaper()
  } catch {
    journal.warn(
      "no-subreaper", "cannot become a child subreaper: \(error.description); zombie reaping won't work for orphans")
  }
}

private func watchParent(_ signal: Signal?, _ parent: Int32, _ journal: Journal) {
  guard let signal else { return }
  do throws(Errno) {
    try setParentDeathSignal(signal, parent: parent)
  } catch {
    journal.warn(
      "no-parent-death-signal", "cannot set the parent death signal SIG\(signal.name): \(error.description)")
  }
}

private func makeSpawnSettings(
  _ options: RunOptions, _ inherited: InheritedState, _ terminal: Terminal?, _ descriptorLimit: Int?
) -> SpawnSettings {
  let ignoresChildSignal = isIgnored(.sigchld)
  if ignoresChildSignal { setDefaultAction(.sigchld) }  // otherwise the kernel would discard the exit code
  let mayHandOver = options.newSession ? terminal?.leaveForNewSession() : terminal?.isOurs
  return SpawnSettings(
    blockedSignals: inherited.blockedSignals, ignoresChildSignal: ignoresChildSignal, newSession: options.newSession,
    terminal: mayHandOver == true ? terminal : nil, descriptorLimit: descriptorLimit)
}
