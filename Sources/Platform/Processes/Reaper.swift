import CPlatform
import Primitives

/// A change of a child's state.
package enum ChildEvent: Sendable {
  case ended(pid: Int32, ExitStatus)
  case stopped(pid: Int32, by: Signal)
  /// Children remain, and none has changed its state.
  case nothing
  case noChildren
}

/// Returns the next change of any child, or of the given one, without blocking; waitpid(2). The only caller of waitpid:
/// a second one would steal exit codes.
///
/// For any child, the kernel iterates over all until one has ended. This takes long for thousands.
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
