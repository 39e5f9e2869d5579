/// What the kernel tells about connections here, from the most to the least.
package enum ConnectionSource: Int, Sendable {
  /// sock_diag(7) with tcp_info.
  case diagWithInfo
  /// sock_diag(7) without it: queues, but no ages.
  case diag
  /// /proc/net/tcp: the same.
  case proc
  /// /proc/net/tcp with states alone (gVisor).
  case procStates
  /// Nothing can be counted: only the delay and the bounds hold.
  case none

  /// As logs and JSON have it.
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
