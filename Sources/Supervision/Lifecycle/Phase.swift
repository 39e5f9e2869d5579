/// The phase of a run. Phases only move forward.
package enum Phase: Int, Comparable, Sendable, CaseIterable {
  /// The command is spawned but not ready yet.
  case starting
  case serving
  /// The stop signal has come; the command has not been signalled and keeps serving.
  case delaying
  /// The command still serves while its connections become idle.
  case draining
  /// The stop signal was sent to the command; or the command has exited and its leftovers are being stopped.
  case stopping
  /// SIGKILL has been sent to every descendant.
  case killing
  case exited

  /// Whether `left` comes earlier in a run.
  package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }

  /// The name in logs, JSON and README.
  package var name: String {
    switch self {
    case .starting: "starting"
    case .serving: "serving"
    case .delaying: "delaying"
    case .draining: "draining"
    case .stopping: "stopping"
    case .killing: "killing"
    case .exited: "exited"
    }
  }
}
