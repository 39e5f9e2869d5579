import Glibc
import TestSupport

/// Lets SIGALRM interrupt a blocking call without further effect; see `finish`.
func interruptSystemCallsOnAlarm() {
  var action = sigaction()
  action.__sigaction_handler.sa_handler = { _ in }
  sigaction(SIGALRM, &action, nil)
}

/// Waits for a child in a blocking call, which costs as much as a shell's wait; an alarm bounds it.
func finish(_ pid: pid_t, limit: UInt32 = 20) -> Exit {
  var status: Int32 = 0
  alarm(limit)
  defer { alarm(0) }
  if waitpid(pid, &status, 0) != pid {
    kill(pid, SIGKILL)
    alarm(0)
    while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
    return .hung
  }
  return Exit(status: status)
}
