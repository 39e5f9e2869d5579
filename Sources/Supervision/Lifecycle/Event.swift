/// What may happen to a run.
package enum Event: Sendable {
  /// The command has executed.
  case spawned(pid: Int32, hasTerminal: Bool)
  /// The command could not be started.
  case spawnFailed(SpawnFailure)
  /// A look at the command, before a signal that begins a stop. `isSupervisor`: it has a status page of its own.
  case commandSeen(isSupervisor: Bool)
  /// A signal came to ebb.
  case signal(Signal)
  /// The command was reaped: its pid is nobody's from now on.
  case commandExited(ExitStatus)
  /// The command was stopped by a signal, and lives.
  case commandStopped(by: Signal)
  /// An orphan was reaped.
  case orphanReaped(pid: Int32, ExitStatus)
  /// All that had ended has been reaped. `remain`: ebb still has children, and so descendants.
  case reapedAll(childrenRemain: Bool)
  /// All of ebb's children that live, but the command, in ascending order of their pids; nil: /proc does not say.
  case children([ChildProcess]?)
  /// The members of the command's process group, in ascending order of their pids; nil: /proc does not say.
  case groupMembers([Int32]?)
  /// So many processes that outlived the command have been sent the stop signal.
  case leftoversSignalled(Int, Signal)
  /// Of the children that were asked about those that listen, or a descendant of which does.
  case childrenListen([Int32])
  /// The delay and the drain of a stop that is under way are to end now.
  case stopNow
  /// The command has answered the question whether it is ready with a yes.
  case probeSucceeded
  /// It has not, and why.
  case probeFailed(String)
  /// A pass over the connections has ended.
  case sampled(Sample)
  /// A pass could not be ended, and why.
  case countFailed(String)
  /// The pre-stop hook was reaped: its pid is nobody's from now on.
  case hookEnded(ExitStatus)
  /// The pre-stop hook could not be started.
  case hookFailed(SpawnFailure)
  /// `killChildren` has been done.
  case childrenKilled
  /// The children that have got SIGKILL and live on. `isInit`: ebb is PID 1, and its exit ends them.
  case survivors([Survivor], isInit: Bool)
  /// What ebb itself cannot do without is gone, and why.
  case coreFailed(String)
  /// `Lifecycle.wakeUp` has come, or may have.
  case timer
  /// Whether signals reach the command.
  case reachSeen(Reach)
  /// What the command listens on.
  case listenersSeen(Sample.Listeners)
  /// What the command has left behind listens on this port.
  case leftoversListen(port: UInt16, KnownServer?)
}

/// A child of ebb.
package struct ChildProcess: Equatable, Sendable {
  /// Its own until ebb has reaped it.
  package let pid: Int32
  /// Its process group.
  package let group: Int32

  package init(pid: Int32, group: Int32) { (self.pid, self.group) = (pid, group) }
}

/// Why a command did not start, and the code to exit with.
package struct SpawnFailure: Error, Sendable {
  /// The code to exit with.
  package let code: Int
  /// A sentence that names the command.
  package let message: String
  /// Of execve(2); errno(3).
  package let error: Int32
  package init(code: Int, message: String, error: Int32 = 0) {
    self.code = code
    self.message = message
    self.error = error
  }
}

/// What the event loop has to do, in order.
package enum Action: Sendable {
  case send(Signal, to: Target)
  /// SIGKILL to every descendant of ebb; the command is one while it lives.
  case killDescendants(within: Span)
  /// Look for ebb's children. The answer is an event.
  case findChildren
  /// Look which processes are in the command's process group. The answer is an event.
  case findGroup
  /// Send each of these the signal, and then SIGCONT. The answer is an event.
  case signalLeftovers(Signal, [Target])
  /// Look whether these children of ebb listen, or any descendant of theirs. The answer is an event.
  case findListening([Int32])
  /// SIGKILL to ebb's own children. A process that loses its parent by that is a child next. An event tells when it is
  /// done, after the actions that follow.
  case killChildren
  /// See which children live on. The answer is an event, at once.
  case lookForSurvivors
  /// Take the terminal back and stop as the command did. Continued: hand it over if it is ebb's again, and continue the
  /// command's group if it is in the foreground. Else (`bg`) the SIGCONT that continued ebb is forwarded like any
  /// signal.
  case suspend
  /// Stop this process until a SIGCONT, unless it is PID 1, which cannot be stopped.
  case stopSelf
  /// Ask the command whether it is ready. The answer is an event, unless the attempt is abandoned before.
  case probe
  case abandonProbe
  /// Begin a pass over the connections, in place of one that is under way. Its result is an event.
  case count(lookForListeners: Bool)
  /// Run the pre-stop hook, which is told of this signal.
  case startHook(Signal)
  /// SIGKILL to the pre-stop hook and its process group. It has not been reaped.
  case killHook
  case log(LogRecord)
  /// Put the run's last line where the orchestrator looks for it: the termination log.
  case leaveMessage(LogRecord)
  /// The last action. Waits at most `flush` for the log to be written.
  case exit(code: Int, flush: Span)

  /// Who gets a signal.
  package enum Target: Equatable, Sendable {
    case command
    /// Its process group.
    case group
    /// A child of ebb that has not been reaped.
    case child(Int32)
  }
}
