/// What ended the drain.
package enum DrainEndReason: Int, CaseIterable, Sendable {
  case quiet, zero, bound, skipped, signal, exit

  /// As the report has it.
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
