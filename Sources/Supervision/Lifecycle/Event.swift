import LinuxFormats
import Primitives

/// An input of the lifecycle.
package enum Event: Sendable {
  /// The command was executed.
  case spawned(pid: Int32, hasTerminal: Bool)
  case spawnFailed(SpawnFailure)
  /// The command was checked before a signal that begins a stop. `isSupervisor`: it has its own status page.
  case commandSeen(isSupervisor: Bool)
  case signal(Signal)
  /// The command was reaped, so its PID may be reused from now on.
  case commandExited(ExitStatus)
  /// A signal suspended the command.
  case commandStopped(by: Signal)
  case orphanReaped(pid: Int32, ExitStatus)
  /// Every ended child was reaped. `childrenRemain`: ebb still has children, and therefore descendants.
  case reapedAll(childrenRemain: Bool)
  /// ebb's living children except the command, in ascending order of PIDs; `nil` if /proc does not provide them.
  case children([ChildProcess]?)
  /// The members of the command's process group, in ascending order of PIDs; `nil` if /proc does not provide them.
  case groupMembers([Int32]?)
  /// The stop signal was sent to this number of leftover processes.
  case leftoversSignalled(Int, Signal)
  /// Those of the checked children that listen, or have a descendant that does.
  case childrenListen([Int32])
  /// The delay and the drain of the current stop must end now.
  case stopNow
  case probeSucceeded
  case probeFailed(String)
  case sampled(ConnectionSample)
  /// A sample could not be completed, and why.
  case countFailed(String)
  /// The pre-stop hook was reaped, so its PID may be reused from now on.
  case hookEnded(ExitStatus)
  case hookFailed(SpawnFailure)
  case childrenKilled
  /// The children that are alive after SIGKILL. `isInit`: ebb is PID 1, so its exit ends them.
  case survivors([Survivor], isInit: Bool)
  /// A resource that ebb depends on has failed, and which.
  case coreFailed(String)
  /// `Lifecycle.wakeUp` has passed, or may have.
  case timer
  /// Whether signals reach the command.
  case reachSeen(SignalReach)
  /// The source of the command's ports.
  case listenersSeen(ConnectionSample.PortSource)
  /// A process that the command left behind listens on this port.
  case leftoversListen(port: UInt16, KnownServer?)
}
