import CPlatform
import LinuxFormats
import Primitives

/// Sends a signal to every descendant of this process; to those that were found by then where the look at /proc takes
/// longer than `limit`. Throws where /proc cannot tell who they are. Never kill(-1): that hits the debugging sessions of
/// `kubectl exec` too.
package func signalDescendants(_ signal: Signal, within limit: TimeAmount) throws(Errno) {
  for process in descendants(of: getpid(), among: try readProcessTable(within: limit)) {
    sendSignal(signal, to: process)
  }
}

/// Sends a signal to this process's own children, and returns them. Throws where the kernel does not list them (CONFIG_PROC_CHILDREN).
///
/// For those that fork faster than /proc can be read: a process that loses its parent becomes a child, and a list of a
/// few children is read and acted on in microseconds. No descriptor is needed: a child's pid is its own until this
/// process has reaped it. proc_tid_children(5).
@discardableResult
package func signalChildren(_ signal: Signal) throws(Errno) -> [Int32] {
  let children = try readChildren()
  for child in children { kill(child, signal.number) }
  return children
}

/// Whether the process with this pid is still the one that was seen. Where that cannot be looked up it is: another one
/// would have had to get its pid within milliseconds.
private func isStill(_ process: ProcPIDStat) -> Bool {
  do throws(Errno) {
    return try readProcess(process.pid)?.startTime == process.startTime
  } catch {
    return true
  }
}

/// By a descriptor where the kernel has them: between the look at /proc and the signal the process may have been reaped
/// by its own parent and its pid given to another. The process that still has the same start time behind the descriptor
/// is the one.
private func sendSignal(_ signal: Signal, to process: ProcPIDStat) {
  let descriptor = ebb_pidfd_open(process.pid)
  guard descriptor >= 0 else {
    if Errno.current.code != ESRCH { kill(process.pid, signal.number) }
    return
  }
  defer { close(descriptor) }
  guard isStill(process) else { return }
  // Linux 5.1 has this call, 5.3 the other one; a seccomp profile may have either alone.
  if ebb_pidfd_signal(descriptor, signal.number) != 0, Errno.current.code != ESRCH { kill(process.pid, signal.number) }
}
