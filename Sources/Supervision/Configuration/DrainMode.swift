/// `--drain`: the condition that ends the stop's wait after the delay.
package enum DrainMode: Sendable {
  case time
  /// No request is in flight, and for a while there was no new connection and no inbound byte.
  case idle
  /// No inbound connection is established.
  case zero
}
