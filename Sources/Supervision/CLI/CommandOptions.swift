/// The options of one of ebb's own commands.
protocol CommandOptions {
  static var table: [OptionDefinition<Self>] { get }
  /// The output of `--help`.
  static var help: String { get }
  /// Throws `UsageError` for options that exclude or need each other.
  func check() throws(UsageError)
}

extension CommandOptions {
  func check() throws(UsageError) {}
}
