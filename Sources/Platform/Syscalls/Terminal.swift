import CPlatform
import Primitives

/// The controlling terminal, as job control sees it; tcgetpgrp(3), credentials(7).
package struct Terminal: Sendable {
  let descriptor = STDIN_FILENO
  private let ownGroup = getpgrp()

  /// Nil where standard input is not the controlling terminal. The other descriptors do not count: of a job that a
  /// script starts in the background, only they are left on the terminal, and it must not be taken from the script.
  package init?() {
    guard tcgetpgrp(descriptor) >= 0 else { return nil }
  }

  /// Whether the terminal is this process group's to hand over. A job that was started in the background waits for its
  /// `fg`.
  package var isOurs: Bool { tcgetpgrp(descriptor) == ownGroup }

  /// For a command in a new session: gives the terminal up so that the command can take it as its own. Only a session's
  /// leader can, which PID 1 of a container with a terminal is. Returns whether it did.
  package func leaveForNewSession() -> Bool {
    guard getsid(0) == getpid(), ebb_detach_terminal(descriptor) == 0 else { return false }
    // The kernel tells the foreground group, which is ebb, that its terminal is gone: nobody's message to the command.
    for signal in [Signal.sighup, .sigcont] { _ = ebb_discard_own_signal(signal.number) }
    return true
  }

  /// Makes a process group the foreground group, if ebb's own is; returns whether it is now. SIGTTOU is blocked: this
  /// does not stop ebb.
  package func handOver(to group: Int32) -> Bool {
    if isOurs { tcsetpgrp(descriptor, group) }
    return tcgetpgrp(descriptor) == group
  }

  /// Makes ebb's group the foreground group again, if the command's is, or one of which nobody is left.
  package func takeBack(from group: Int32) {
    let foreground = tcgetpgrp(descriptor)
    guard foreground > 0 else { return }
    let isDeserted = kill(-foreground, 0) == -1 && Errno.current.code == ESRCH
    if foreground == group || isDeserted { tcsetpgrp(descriptor, ownGroup) }
  }
}

/// Stops this process as Ctrl-Z would; returns when it was continued. For PID 1 and for an orphaned process group,
/// which nobody could continue, the kernel does nothing. Every signal must be blocked in the calling thread.
package func suspendSelf() {
  let mask = ebb_set_signal_mask(SignalSet.all.subtracting(SignalSet([.sigtstp])).mask)
  raise(Signal.sigtstp.number)
  _ = ebb_set_signal_mask(mask)
}

/// Stops this process; returns when it was continued. PID 1 would not stop, but lose a SIGCONT that is pending; kill(2).
package func stopSelf() {
  if getpid() != 1 { raise(Signal.stop.number) }
}
