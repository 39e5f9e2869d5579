import CPlatform
import Primitives

/// The controlling terminal for job control; tcgetpgrp(3), credentials(7).
package struct Terminal: Sendable {
  let descriptor = STDIN_FILENO
  private let ownGroup = getpgrp()

  /// Fails if standard input is not the controlling terminal. The other descriptors do not count: a job that a script
  /// starts in the background has only them on the terminal, and must not take the terminal from the script.
  package init?() {
    guard tcgetpgrp(descriptor) >= 0 else { return nil }
  }

  /// Whether this process group is in the foreground. A job started in the background waits for `fg`.
  package var isOurs: Bool { tcgetpgrp(descriptor) == ownGroup }

  /// Gives up the terminal, so that a command in a new session can make it its own. Only a session leader can, as PID 1
  /// of a container with a terminal is. Returns whether it did.
  package func leaveForNewSession() -> Bool {
    guard getsid(0) == getpid(), ebb_detach_terminal(descriptor) == 0 else { return false }
    // The kernel sends SIGHUP and SIGCONT to the foreground group, which is ebb. They are not meant for the command.
    for signal in [Signal.sighup, .sigcont] { _ = ebb_discard_own_signal(signal.number) }
    return true
  }

  /// Makes a process group the foreground group if ebb's own is. Returns whether it is now. SIGTTOU is blocked, so this
  /// does not stop ebb.
  package func handOver(to group: Int32) -> Bool {
    if isOurs { tcsetpgrp(descriptor, group) }
    return tcgetpgrp(descriptor) == group
  }

  /// Makes ebb's group the foreground group again if the command's is, or a group without processes.
  package func takeBack(from group: Int32) {
    let foreground = tcgetpgrp(descriptor)
    guard foreground > 0 else { return }
    let isDeserted = kill(-foreground, 0) == -1 && Errno.current.code == ESRCH
    if foreground == group || isDeserted { tcsetpgrp(descriptor, ownGroup) }
  }
}

/// Stops this process as Ctrl-Z would, and returns when it was continued. For PID 1 and an orphaned process group,
/// which no process could continue, the kernel does nothing. Every signal must be blocked in the calling thread.
package func suspendSelf() {
  let mask = ebb_set_signal_mask(SignalSet.all.subtracting(SignalSet([.sigtstp])).mask)
  raise(Signal.sigtstp.number)
  _ = ebb_set_signal_mask(mask)
}

/// Stops this process, and returns when it was continued. Does nothing as PID 1, which would lose a pending SIGCONT.
package func stopSelf() {
  if getpid() != 1 { raise(Signal.stop.number) }
}
