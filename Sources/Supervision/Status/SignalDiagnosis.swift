import LinuxFormats
import Primitives

extension Status {
  /// Returns the command among the supervisor's descendants. The page contains PIDs of the supervisor's PID namespace,
  /// which differ from those in another one (the node's).
  package func command(in processes: [ProcessDetails], supervisor: Int32) -> ProcessDetails? {
    guard let pid = snapshot.commandPid else { return nil }
    let isSameNamespace = supervisor == info.pid
    return processes.first { $0.depth == 0 && (isSameNamespace ? $0.entry.pid : $0.ownPid) == pid }
  }

  /// The message for a command that signals do not reach.
  package static var outOfReach: String {
    "no signal reaches the command: it runs as another user, and ebb lacks the capability KILL; add it, or run ebb as that user"
  }

  /// Returns the known server that the command is; `nil` for other programs and without `--stop-signals auto`.
  package func server(_ command: ProcessDetails?) -> KnownServer? {
    info.recognisesServers ? command.flatMap { KnownServer(processName: $0.name) } : nil
  }

  /// Returns the best signal to stop the command: a known server's graceful stop signal, else TERM or one of
  /// `--stop-signals`. `nil` if a corrupt page has none.
  package func stopSignal(for command: ProcessDetails?) -> Signal? {
    server(command)?.traits.gracefulStop ?? info.stopSignals.usual
  }

  /// The signal that the command receives in a stop; `nil` for none. Before a stop, the one for the usual stop signal.
  private var sends: Signal? { snapshot.stop.map { $0.sends } ?? info.forwardsAs }

  /// Returns a sentence for each process that a stop would not end cleanly, with a remedy.
  ///
  /// It checks the processes that a stop signals: the command, with `--group` its group, and leftovers, which are the
  /// children of a process that dies of the signal or has exited. Other processes never receive the signal.
  ///
  /// `signal` is the signal that the command will receive, if it differs from the usual one.
  package func diagnosis(
    of processes: [ProcessDetails], supervisor: Int32, by signal: Signal? = nil
  ) -> [String] {
    if snapshot.isOutOfReach { return [Status.outOfReach] }
    let command = command(in: processes, supervisor: supervisor)
    guard let signal = signal ?? sends else {
      return info.isAsleep
        ? [] : ["--rewrite drops the stop signal; only SIGKILL at the deadline will end the command"]
    }
    var sentences: [String] = []
    // A parent comes before its children.
    var dead = SortedSet<Int32>(command == nil && snapshot.phase > .starting ? [supervisor] : [])
    for process in processes {
      let isSignalled =
        process.entry == command?.entry || info.targetsProcessGroup && process.group == command?.group
        || dead.contains(process.entry.parent)
      guard isSignalled else { continue }
      if process.effect(of: signal) == .defaultAction { dead.insert(process.entry.pid) }
      let hasChildren = processes.contains { $0.entry.parent == process.entry.pid }
      if let sentence = process.sentence(on: signal, hasChildren: hasChildren, info) { sentences.append(sentence) }
    }
    if signal == .sigterm, let advice = server(command)?.advice { sentences.append(advice) }
    let most = 8
    guard sentences.count > most else { return sentences }
    return sentences.prefix(most) + ["and the same for \(sentences.count - most) more"]
  }
}

extension ProcessDetails {
  /// `pid 7 `app``
  package var displayText: String { "pid \(entry.pid) `\(name.printable)`" }

  fileprivate func sentence(on signal: Signal, hasChildren: Bool, _ info: SupervisorInfo) -> String? {
    let who = displayText
    let what = "SIG\(signal.name)"
    switch effect(of: signal) {
    case .caught, nil: return nil
    case .ignored where isShell && signals?.ignored.contains(signal) == false:
      guard hasChildren, !info.targetsProcessGroup else { return nil }
      return "\(who) does not act on \(what) and does not forward it: start the app with exec, or use --group"
    case .ignored: return "\(who) ignores \(what) and will be killed at the deadline"
    case .blocked:
      return
        "\(who) blocks \(what): unless it waits for signals itself (sigwait, signalfd) it will be killed at the deadline"
    case .defaultAction where isShell:
      guard hasChildren else { return nil }
      return "\(who) dies of \(what) immediately and does not wait for its children, whose exit code is lost: use exec"
    case .defaultAction: return "\(who) has no handler for \(what) and dies immediately; requests in flight are lost"
    }
  }

  package var isShell: Bool {
    // A script with a `#!` line has its own name, but argv[0] is the interpreter. That of a login shell begins with -.
    let program = firstArgument.split(onByte: UInt8(ascii: "/")).last ?? ""
    return ["sh", "bash", "dash", "ash", "busybox", "zsh", "ksh", "mksh"].contains {
      name.bytesEqual($0) || program.bytesEqual($0) || program.bytesEqual("-" + $0)
    }
  }
}
