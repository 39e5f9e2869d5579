import Primitives

/// The result of `ebb drain`.
package enum DrainCommandResult: Sendable {
  /// The condition of the drain mode was met. `nil` if the mode has no condition.
  case drained(by: DrainEndReason?)
  /// The command has no listening sockets.
  case nothingListens
  /// `--drain-timeout` passed first.
  case bound
}

/// The line that `ebb drain` shows while it waits. `remaining` is the time until the drain timeout.
package func drainProgress(_ traffic: TrafficMonitor, delayRemaining: TimeAmount, remaining: TimeAmount) -> String {
  let wait =
    delayRemaining > .zero
    ? "delay, \(delayRemaining.approximate) left" : "draining, at most \(remaining.approximate) more"
  return "\(wait): \(traffic.countText)"
}

/// The last line that `ebb drain` prints.
package func drainSummary(_ end: DrainCommandResult, _ traffic: TrafficMonitor, after span: TimeAmount) -> String {
  switch end {
  case .nothingListens: "no listening sockets; nothing to drain"
  case .drained(let reason):
    "drained after \(span.approximate)\(reason.map { " (\($0.name))" } ?? ""): \(traffic.countText)"
  case .bound: "not drained after \(span.approximate) (timeout): \(traffic.countText)"
  }
}

extension TrafficMonitor {
  /// The counts as text; unknown before the first sample and after one that failed.
  fileprivate var countText: String {
    sample.map { StatusSnapshot.Connections($0).text } ?? "connections unknown"
  }

  /// Whether the command certainly has no listening sockets.
  package var nothingListens: Bool { mayListen == false }
  /// Whether the command listens only on sockets whose clients cannot be counted.
  package var isUncountable: Bool { sample?.portSource == .uncountable }
}
