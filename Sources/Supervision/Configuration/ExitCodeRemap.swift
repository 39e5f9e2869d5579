extension [ExitCodeRemap] {
  /// A later rule for the same code wins.
  func apply(to code: Int) -> Int { last { $0.from == code }?.to ?? code }
}

/// `--remap-exit CODE:TO`.
package struct ExitCodeRemap: Equatable, Sendable {
  /// The command's code.
  package let from: Int
  /// The code to exit with.
  package let to: Int

  /// Both are 0 to 255.
  package init(from: Int, to: Int) { (self.from, self.to) = (from, to) }
}
