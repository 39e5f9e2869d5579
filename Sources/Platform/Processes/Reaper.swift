import CPlatform
import Primitives

/// What became of a child.
package enum ChildEvent: Sendable {
  case ended(pid: Int32, ExitStatus)
  case stopped(pid: Int32, by: Signal)
  /// Children remain, and nothing more has happened to any.
  case nothing
  case noChildren
}

/// The next thing that happened to a child, or to this one, without waiting for it; waitpid(2). The only place that waits
/// for children: a second one would steal exit codes.
///
/// For any child the kernel looks at each, until it comes to one that has ended: thousands take it a while.
package func nextChildEvent(of child: Int32 = -1) -> ChildEvent {
  var wait = ebb_wait()
  do throws(Errno) {
    guard try valueOrErrno({ ebb_wait(child, &wait) }) == 1 else { return .nothing }
  } catch {
    return .noChildren  // ECHILD; waitpid has no other error for these arguments
  }
  guard wait.how != EBB_EXITED, let signal = Signal(number: Int(wait.value)) else {
    return .ended(pid: wait.pid, .exited(code: Int(wait.value)))
  }
  return wait.how == EBB_STOPPED
    ? .stopped(pid: wait.pid, by: signal)
    : .ended(pid: wait.pid, .killed(by: signal, dumpedCore: wait.core_dumped))
}
