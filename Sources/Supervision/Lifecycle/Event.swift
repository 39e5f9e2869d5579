import LinuxFormats
import Primitives

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
  case sampled(ConnectionSample)
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
  case reachSeen(SignalReach)
  /// What the command listens on.
  case listenersSeen(ConnectionSample.PortSource)
  /// What the command has left behind listens on this port.
  case leftoversListen(port: UInt16, KnownServer?)
}
