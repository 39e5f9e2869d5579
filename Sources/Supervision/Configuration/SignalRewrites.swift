import Primitives

/// `--rewrite FROM:TO`: as what a signal is forwarded.
package struct SignalRewrites: Sendable {
  private var rules: [(from: Signal, to: Signal?)] = []

  package init() {}

  var isEmpty: Bool { rules.isEmpty }

  /// A later rule for the same signal wins. `to` nil: the signal is dropped.
  package mutating func add(from: Signal, to: Signal?) { rules.insert((from, to), at: 0) }

  /// The signal to send in place of `signal`, nil for none.
  package func apply(to signal: Signal) -> Signal? {
    guard let rule = rules.first(where: { $0.from == signal }) else { return signal }
    return rule.to
  }
}
