import Primitives

/// How `ebb drain` ended.
package enum DrainCommandResult: Sendable {
  /// By the condition; nil: nothing was to be waited for.
  case drained(by: DrainEndReason?)
  case nothingListens
  /// The bound came first.
  case bound
}

/// What `ebb drain` says while it waits. `rest`: until the bound.
package func drainProgress(_ traffic: TrafficMonitor, delayRemaining: TimeAmount, remaining: TimeAmount) -> String {
  let wait =
    delayRemaining > .zero
    ? "delay, \(delayRemaining.approximate) left" : "draining, at most \(remaining.approximate) more"
  return "\(wait): \(traffic.countText)"
}

/// The last line that `ebb drain` prints. Where the bound was reached: what is left.
package func drainSummary(_ end: DrainCommandResult, _ traffic: TrafficMonitor, after span: TimeAmount) -> String {
  switch end {
  case .nothingListens: "no listening sockets; nothing to drain"
  case .drained(let reason):
    "drained after \(span.approximate)\(reason.map { " (\($0.name))" } ?? ""): \(traffic.countText)"
  case .bound: "not drained after \(span.approximate) (timeout): \(traffic.countText)"
  }
}

extension TrafficMonitor {
  /// Before the first sample and after one that failed nothing is known.
  fileprivate var countText: String {
    sample.map { StatusSnapshot.Connections($0).text } ?? "connections unknown"
  }

  /// Whether it is certain that nothing listens.
  package var nothingListens: Bool { mayListen == false }
  /// Whether whatever listens has no connections that could be counted.
  package var isUncountable: Bool { sample?.portSource == .uncountable }
}
