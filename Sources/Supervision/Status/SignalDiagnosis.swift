import LinuxFormats
import Primitives

extension Status {
  /// The command among the supervisor's descendants. The page has the supervisor's own numbers; seen from another pid
  /// namespace (the node's) processes have others.
  package func command(in processes: [ProcessDetails], supervisor: Int32) -> ProcessDetails? {
    guard let pid = snapshot.commandPid else { return nil }
    let isSameNamespace = supervisor == info.pid
    return processes.first { $0.depth == 0 && (isSameNamespace ? $0.entry.pid : $0.ownPid) == pid }
  }

  /// Signals do not reach the command.
  package static var outOfReach: String {
    "no signal reaches the command: it runs as another user, and ebb lacks the capability KILL; add it, or run ebb as that user"
  }

  /// The known server that the command is under `--stop-signals auto`; else `nil`.
  package func server(_ command: ProcessDetails?) -> KnownServer? {
    info.recognisesServers ? command.flatMap { KnownServer(processName: $0.name) } : nil
  }

  /// The signal by which the command is best stopped: that of a known server's graceful stop, else TERM or one of the list.
  /// `nil` where a garbled page has none.
  package func stopSignal(for command: ProcessDetails?) -> Signal? {
    server(command)?.traits.gracefulStop ?? info.stopSignals.usual
  }

  /// The signal that the command gets in a stop, `nil` for none. Before a stop: at the usual stop signal.
  private var sends: Signal? { snapshot.stop.map { $0.sends } ?? info.forwardsAs }

  /// A sentence for each process for which a stop goes wrong, and what helps.
  ///
  /// Judged are those that a stop signals: the command, with `--group` its group, and the leftovers: the children of one
  /// that dies of the signal at once, or has exited. What an application's own workers would do with a signal that they do
  /// not get does not matter.
  ///
  /// `signal`: what the command will get, if that is known better than by the usual stop signal.
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
    // Parents come before their children.
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
    // Also a script by its `#!` line, which has the script's name: then argv[0] is the interpreter. A login shell's begins
    // with a dash.
    let program = firstArgument.split(onByte: UInt8(ascii: "/")).last ?? ""
    return ["sh", "bash", "dash", "ash", "busybox", "zsh", "ksh", "mksh"].contains {
      name.bytesEqual($0) || program.bytesEqual($0) || program.bytesEqual("-" + $0)
    }
  }
}
