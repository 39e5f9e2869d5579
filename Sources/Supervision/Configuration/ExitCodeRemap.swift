extension [ExitCodeRemap] {
  /// Returns the exit code after the rules. A later rule for the same code wins.
  func apply(to code: Int) -> Int { last { $0.from == code }?.to ?? code }
}

/// `--remap-exit CODE:TO`.
package struct ExitCodeRemap: Equatable, Sendable {
  package let from: Int
  package let to: Int

  /// Makes a rule; both codes are 0 to 255.
  package init(from: Int, to: Int) { (self.from, self.to) = (from, to) }
}
