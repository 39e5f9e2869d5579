import Glibc

/// How a process ended.
package enum Exit: Equatable, Sendable {
  case code(Int32)
  case signal(Int32)
  /// It did not end within the limit and was killed.
  case hung

  /// - Parameter status: As waitpid(2) returns it.
  package init(status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
  }

  /// Waits for the end of a child.
  package init(waitingFor pid: pid_t) {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
    self.init(status: status)
  }

  /// Returns how a child ended, or `nil` if it has not ended.
  package init?(reaping pid: pid_t) {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    self.init(status: status)
  }
}
