import Primitives

/// `--rewrite FROM:TO`: the signals to forward in place of others.
package struct SignalRewrites: Sendable {
  private var rules: [(from: Signal, to: Signal?)] = []

  package init() {}

  var isEmpty: Bool { rules.isEmpty }

  /// Adds a rule, which overrides earlier ones for the same signal. The signal is dropped if `to` is `nil`.
  package mutating func add(from: Signal, to: Signal?) { rules.append((from, to)) }

  /// Returns the signal to forward in place of `signal`; `nil` if it is dropped.
  package func apply(to signal: Signal) -> Signal? {
    guard let rule = rules.last(where: { $0.from == signal }) else { return signal }
    return rule.to
  }
}
