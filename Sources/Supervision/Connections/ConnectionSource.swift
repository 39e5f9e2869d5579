/// The kernel interface that reports connections, from the most to the least detail.
package enum ConnectionSource: Int, Sendable {
  /// sock_diag(7) with tcp_info.
  case diagWithInfo
  /// sock_diag(7) without tcp_info: queues but no ages.
  case diag
  /// /proc/net/tcp: queues but no ages.
  case proc
  /// /proc/net/tcp with states only (gVisor).
  case procStates
  /// No interface is available, so only the delay and the timeouts apply.
  case none

  /// The name in logs and in JSON.
  package var name: String {
    switch self {
    case .diagWithInfo: "diag+info"
    case .diag: "diag"
    case .proc: "proc"
    case .procStates: "proc-states"
    case .none: "none"
    }
  }
}
