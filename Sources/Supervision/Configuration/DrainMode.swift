/// `--drain`: what the stop waits for after the delay.
package enum DrainMode: Sendable {
  case time
  /// No request in flight, and a while without a new connection or an inbound byte.
  case idle
  /// No inbound connection.
  case zero
}
