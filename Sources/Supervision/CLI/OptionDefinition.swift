import Primitives

/// One option of a command: its names and its effect. The table of these feeds the parser, `--help` and README's table.
package struct OptionDefinition<Options>: Sendable {
  package let spec: OptionSpec
  /// Stores the value, or throws `InvalidValue` with the expected format.
  let set: @Sendable (inout Options, String) throws(InvalidValue) -> Void

  init(
    name: String, short: String? = nil, value: String? = nil, defaultText: String? = nil, help: String,
    repeatable: Bool = false, set: @escaping @Sendable (inout Options, String) throws(InvalidValue) -> Void
  ) {
    spec = OptionSpec(
      name: name, short: short, value: value, defaultText: defaultText, help: help, repeatable: repeatable)
    self.set = set
  }

  /// Makes an option whose value `parse` converts and `set` stores.
  init<Value>(
    name: String, short: String? = nil, value: String? = nil, defaultText: String? = nil,
    parse: @escaping @Sendable (String) throws(InvalidValue) -> Value, help: String, repeatable: Bool = false,
    set: @escaping @Sendable (inout Options, Value) -> Void
  ) {
    self.init(
      name: name, short: short, value: value, defaultText: defaultText, help: help, repeatable: repeatable
    ) { options, text throws(InvalidValue) in set(&options, try parse(text)) }
  }
}

/// The names and the description of an option. The type is not generic, so that the binary has only one parser.
package struct OptionSpec: Sendable {
  /// The name without the dashes.
  package let name: String
  /// One ASCII letter.
  package let short: String?
  /// The placeholder for the value in help; `nil` for a flag.
  package let value: String?
  /// The default as help shows it; `nil` for none.
  package let defaultText: String?
  package let help: String
  /// Whether all occurrences count; the variable then contains a comma list.
  package let repeatable: Bool

  /// `EBB_DRAIN_TIMEOUT` for `--drain-timeout`.
  package var variable: String { "EBB_" + name.asVariableName }
}

/// The reason why a value is invalid: the end of a sentence that begins with the value.
struct InvalidValue: Error {
  let reason: String
}
