/// `--drain`: the condition that ends the stop's wait after the delay.
package enum DrainMode: CaseIterable, Sendable {
  case time
  /// No request is in flight, and for a while there was no new connection and no inbound byte.
  case idle
  /// No inbound connection is established.
  case zero

  /// The name in `--drain`.
  var name: String {
    switch self {
    case .time: "time"
    case .idle: "idle"
    case .zero: "zero"
    }
  }
}
