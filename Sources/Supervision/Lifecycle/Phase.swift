/// Where a run is. A phase is only ever followed by a later one.
package enum Phase: Int, Comparable, Sendable, CaseIterable {
  /// Spawned, not ready yet.
  case starting
  case serving
  /// The stop signal has come; the command is untouched and serves.
  case delaying
  /// The command still serves; its connections run dry.
  case draining
  /// The stop signal has been sent to the command; or the command has exited and its leftovers were told to end.
  case stopping
  /// SIGKILL has been sent to every descendant.
  case killing
  case exited

  /// Earlier in the life of a run.
  package static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }

  /// As logs, JSON and README have it.
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
