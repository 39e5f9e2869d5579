/// The options of a command of ebb's own.
protocol CommandOptions {
  static var table: [OptionDefinition<Self>] { get }
  /// What `--help` prints.
  static var help: String { get }
  /// Throws where options do not go together.
  func check() throws(UsageError)
}
