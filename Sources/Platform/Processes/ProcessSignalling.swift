import CPlatform
import LinuxFormats
import Primitives

/// Sends a signal to every descendant of this process, or to those found within `limit`. Throws as `readProcessTable`.
/// Does not use kill(-1), which also hits debugging sessions of `kubectl exec`.
package func signalDescendants(_ signal: Signal, within limit: TimeAmount) throws(Errno) {
  for process in descendants(of: getpid(), among: try readProcessTable(within: limit)) {
    sendSignal(signal, to: process)
  }
}

/// Sends a signal to this process's own children and returns them. Throws as `readChildren` (CONFIG_PROC_CHILDREN).
///
/// Use this against processes that fork faster than /proc can be read: an orphan becomes a child, and a short list of
/// children takes microseconds. No pidfd is needed: a child keeps its pid until it is reaped. proc_tid_children(5).
@discardableResult
package func signalChildren(_ signal: Signal) throws(Errno) -> [Int32] {
  let children = try readChildren()
  for child in children { kill(child, signal.number) }
  return children
}

/// Returns whether the pid still belongs to the same process. True if that cannot be checked, because the pid would
/// have to be reused within milliseconds.
private func isStill(_ process: ProcPIDStat) -> Bool {
  do throws(Errno) {
    return try readProcess(process.pid)?.startTime == process.startTime
  } catch {
    return true
  }
}

/// Uses a pidfd if the kernel has them: between reading /proc and sending, the parent may have reaped the process and
/// its pid may have been reused. A process with the same start time is the same one.
private func sendSignal(_ signal: Signal, to process: ProcPIDStat) {
  let descriptor = ebb_pidfd_open(process.pid)
  guard descriptor >= 0 else {
    if Errno.current.code != ESRCH { kill(process.pid, signal.number) }
    return
  }
  defer { close(descriptor) }
  guard isStill(process) else { return }
  // pidfd_send_signal(2) came with Linux 5.1, pidfd_open(2) with 5.3; a seccomp profile may allow either one alone.
  if ebb_pidfd_signal(descriptor, signal.number) != 0, Errno.current.code != ESRCH { kill(process.pid, signal.number) }
}
