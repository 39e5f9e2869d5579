/// The receiver of a signal.
package enum SignalTarget: Equatable, Sendable {
  case command
  case commandGroup
  /// A child of ebb that has not been reaped.
  case child(Int32)
}
