import Primitives

/// One option of a command: how it is called, and what it does to the options. The table of these feeds the parser,
/// `--help` and README's table.
package struct OptionDefinition<Options>: Sendable {
  /// How it is called and described.
  package let spec: OptionSpec
  /// Takes the value into the options, or says what was expected.
  let set: @Sendable (inout Options, String) throws(InvalidValue) -> Void

  init(
    name: String, short: String? = nil, value: String? = nil, defaultText: String? = nil, help: String,
    repeatable: Bool = false, set: @escaping @Sendable (inout Options, String) throws(InvalidValue) -> Void
  ) {
    spec = OptionSpec(
      name: name, short: short, value: value, defaultText: defaultText, help: help, repeatable: repeatable)
    self.set = set
  }
}

/// How an option is called: the same type for every command, so that there is one parser in the binary.
package struct OptionSpec: Sendable {
  /// Without the dashes.
  package let name: String
  /// One ASCII letter.
  package let short: String?
  /// What stands for the value in help; nil: a flag.
  package let value: String?
  /// As help shows it; nil: nothing to say.
  package let defaultText: String?
  /// What it does, in one sentence.
  package let help: String
  /// Given several times, all count; in the variable they stand in a comma list.
  package let repeatable: Bool

  /// `EBB_DRAIN_TIMEOUT` for `--drain-timeout`.
  package var variable: String { "EBB_" + name.asVariableName }
}

/// Why a value was not taken: the end of a sentence that begins with the value.
struct InvalidValue: Error {
  let reason: String
}
