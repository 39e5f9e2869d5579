/// The reason for the end of a drain.
package enum DrainEndReason: Int, CaseIterable, Sendable {
  case quiet, zero, bound, skipped, signal, exit

  /// The name in the report.
  package var name: String {
    switch self {
    case .quiet: "quiet"
    case .zero: "zero"
    case .bound: "bound"
    case .skipped: "skipped"
    case .signal: "signal"
    case .exit: "exit"
    }
  }
}
