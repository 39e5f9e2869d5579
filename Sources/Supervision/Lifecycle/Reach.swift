/// Whether signals reach the command; kill(2).
package enum SignalReach: Sendable {
  case signals
  /// The command runs as this user, `nil` if unknown, and ebb lacks CAP_KILL.
  case none(user: Int?)
}
