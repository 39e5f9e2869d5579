import Primitives

/// Parses the command line after `ebb`. The first argument selects the command. Throws `UsageError` if the arguments
/// or, for a command that starts a supervisor, the variables are invalid.
///
/// - `variable` returns the value of an environment variable. Only the commands that start a supervisor use it, because
/// `kubectl exec` passes the same variables to the others.
/// - `hasOwnVariables`: at least one variable's name begins with `EBB_`.
/// - `other`: ebb replaces that program, and the arguments are in the order of its `arrangement`.
package func parse(
  arguments: [String], as other: OtherInit? = nil, variable: @escaping (String) -> String?, hasOwnVariables: Bool = true
) throws(UsageError) -> Invocation {
  let variables = Variables(value: variable, hasOwn: hasOwnVariables)
  if let other { return try other.parse(arguments, variables) }
  let first = arguments.first ?? ""
  if first.bytesEqual("status") { return try parse(arguments, StatusOptions()) { .status($0) } }
  if first.bytesEqual("stop") { return try parse(arguments, StopOptions()) { .stop($0) } }
  if first.bytesEqual("probe") { return try parse(arguments, ProbeOptions()) { .probe($0) } }
  if first.bytesEqual("drain") { return try parse(arguments, DrainOptions()) { .drain($0) } }
  if first.bytesEqual("smoke") { return try parseSmoke(arguments: arguments, variables) }
  if first.bytesEqual("plan") { return try parsePlan(arguments: arguments, variables) }
  // Any other use of the name runs the program install.
  if isInstall(arguments) { return .install(arguments[1]) }
  if arguments.count == 2, first.bytesEqual("install"), case .help = answer(arguments[1]) { return .help(installHelp) }
  return try parseRun(arguments: arguments, variables)
}

private func isInstall(_ arguments: [String]) -> Bool {
  arguments.count == 2 && arguments[0].bytesEqual("install") && arguments[1].hasBytePrefix("/")
}

/// Whether the arguments call one of ebb's own commands.
package func isOwnCommand(_ arguments: [String]) -> Bool {
  guard let first = arguments.first else { return false }
  return isInstall(arguments)
    || ["status", "stop", "probe", "drain", "smoke", "plan"].contains { first.bytesEqual($0) }
}

struct Variables {
  let value: (String) -> String?
  /// At least one variable's name begins with `EBB_`.
  let hasOwn: Bool
}

/// Parses the form that runs a command. Throws `UsageError`. Parsing stops at the first argument that is not an option,
/// so `ebb sh -c 'x'` works: the command's arguments are never parsed.
private func parseRun(arguments: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  let (settings, next, ending) = try readOptions(arguments[...], RunOptions.table.map { $0.spec }, help: "ebb --help")
  if case .help = ending { return .help(RunOptions.help) }
  if case .version = ending { return .version }
  var options = RunOptions()
  try fill(&options, from: settings, variables)
  guard next < arguments.count else {
    throw UsageError(message: "no command given: expected ebb [OPTION...] [--] COMMAND [ARG...]; see ebb --help")
  }
  return .run(options, commandIndex: next)
}

/// Sets the given options, and the others from their variables: an option on the command line overrides its variable.
/// `first` is the index of this table's first option in the settings. Throws `UsageError` for invalid values or times.
func fill(
  _ options: inout RunOptions, from settings: [ParsedOption], first: Int = 0, _ variables: Variables
) throws(UsageError) {
  let table = RunOptions.table
  for setting in settings where setting.index >= first { try apply(setting, table, first: first, to: &options) }
  // Most containers have no such variable, so skip building about forty names.
  let indices = variables.hasOwn ? table.indices : 0..<0
  for index in indices where !settings.contains(where: { $0.index == first + index }) {
    let shape = table[index].spec
    // Compose and templates create empty variables for values that were never set.
    guard let value = variables.value(shape.variable), !value.utf8.isEmpty else { continue }
    let values = shape.repeatable ? value.split(onByte: UInt8(ascii: ",")) : [value]
    for value in values where !(shape.repeatable && value.utf8.isEmpty) {
      try apply(ParsedOption(index: index, value: value, source: shape.variable, words: 0..<0), table, to: &options)
    }
    options.variables |= 1 << UInt64(index)
  }
  options.orchestrator = Orchestrator(variables.value)
  try StopTimes.check(options)
}

/// Parses `ebb smoke`: options of both tables, in any order. The supervisor receives the options of the second table
/// unchanged, and its variables. Throws `UsageError`.
private func parseSmoke(arguments: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  do throws(UsageError) {
    var options = SmokeOptions()  // the table's functions need inout
    let own = SmokeOptions.table
    let (settings, next, ending) = try readOptions(arguments.dropFirst(), smokeShapes, help: "ebb smoke --help")
    if case .help = ending { return .help(SmokeOptions.help) }
    if case .version = ending { return .version }
    for setting in settings {
      if setting.index < own.count {
        try apply(setting, own, to: &options)
      } else {
        options.passOn(setting.words)
      }
    }
    try fill(&options.run, from: settings, first: own.count, variables)
    try options.check()
    guard next < arguments.count else {
      throw UsageError(message: "no command given: expected ebb smoke [OPTION...] [--] COMMAND [ARG...]")
    }
    return .smoke(options, commandIndex: next)
  } catch {
    throw error.of("smoke")
  }
}

/// The options of `ebb smoke`, followed by the supervisor's.
private var smokeShapes: [OptionSpec] { SmokeOptions.table.map { $0.spec } + RunOptions.table.map { $0.spec } }

/// Parses `ebb plan`: its own options and those of a run. Throws `UsageError`.
private func parsePlan(arguments: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  do throws(UsageError) {
    var options = PlanOptions()
    let own = PlanOptions.table
    let (settings, ending) = try readCommand("plan", arguments, own.map { $0.spec } + RunOptions.table.map { $0.spec })
    if case .help = ending { return .help(PlanOptions.help) }
    if case .version = ending { return .version }
    for setting in settings where setting.index < own.count { try apply(setting, own, to: &options) }
    try fill(&options.run, from: settings, first: own.count, variables)
    return .plan(options)
  } catch {
    throw error.of("plan")
  }
}

/// Parses one of the commands that only accept options. Throws `UsageError`.
private func parse<Options: CommandOptions>(
  _ arguments: [String], _ options: Options, _ invocation: (Options) -> Invocation
) throws(UsageError) -> Invocation {
  let (name, table) = (arguments[0], Options.table)
  var options = options
  do throws(UsageError) {
    let (settings, ending) = try readCommand(name, arguments, table.map { $0.spec })
    if case .help = ending { return .help(Options.help) }
    if case .version = ending { return .version }
    for setting in settings { try apply(setting, table, to: &options) }
    try options.check()
    return invocation(options)
  } catch {
    throw error.of(name)
  }
}

// MARK: - Arguments

/// An option on the command line or from a variable.
struct ParsedOption {
  let index: Int
  let value: String
  /// The option as the user wrote it, for messages.
  let source: String
  /// The indices of its arguments; empty for a variable.
  let words: Range<Int>
}

enum Ending { case words, help, version, licence }

/// Returns the output that an argument requests.
private func answer(_ word: String) -> Ending? {
  if word.bytesEqual("--help") || word.bytesEqual("-h") { return .help }
  return word.bytesEqual("--version") || word.bytesEqual("-V") ? .version : nil
}

/// Parses options up to the first other argument, without interpreting their values. Throws `UsageError`.
///
/// - `help` is the command that lists the options, for messages.
/// - `isBeforeCommand`: an unknown option may have been meant as the command.
/// - `other` is the program whose options these are, if not ebb's.
func readOptions(
  _ arguments: ArraySlice<String>, _ shapes: [OptionSpec], help: String, isBeforeCommand: Bool = true,
  of other: OtherInit? = nil
) throws(UsageError) -> (settings: [ParsedOption], next: Int, Ending) {
  var settings: [ParsedOption] = []
  var next = arguments.startIndex

  /// Returns the value of an option: the next argument, or yes for a flag. Throws `UsageError` if it is missing.
  func standaloneValue(of index: Int, calledAs name: String) throws(UsageError) -> String {
    guard let value = shapes[index].value else { return "yes" }
    guard next < arguments.endIndex else {
      throw UsageError(message: "\(name): a value is missing: expected \(name) \(value)")
    }
    next += 1
    return arguments[next - 1]
  }

  func ending(_ word: String) -> Ending? { other.map { $0.answer(word) } ?? answer(word) }

  func unknown(_ name: String, _ nearest: String? = nil) -> UsageError {
    if let nearest { return UsageError(message: "\(name.quoted) is not an option: did you mean --\(nearest)?") }
    let hint = isBeforeCommand ? "; to run a command that starts with a dash, put -- before it" : ""
    return UsageError(message: "\(name.quoted) is not an option: see \(help)\(hint)")
  }

  while next < arguments.endIndex, arguments[next].utf8.count > 1, arguments[next].hasBytePrefix("-") {
    let word = arguments[next]
    let start = next
    next += 1
    if word.bytesEqual("--") { break }
    if let ending = ending(word) { return (settings, next, ending) }
    if word.hasBytePrefix("--") {
      let (name, attached) = splitLong(word)
      guard !name.utf8.isEmpty, let index = shapes.firstIndex(where: { $0.name.bytesEqual(name) }) else {
        throw unknown("--" + name, nearestName(to: name, among: shapes.map { $0.name }))
      }
      let value: String
      if let attached { value = attached } else { value = try standaloneValue(of: index, calledAs: "--" + name) }
      settings.append(ParsedOption(index: index, value: value, source: "--" + name, words: start..<next))
    } else {
      // Several short flags may share one argument (`-gw`). If an option needs a value, it is the rest of the argument.
      var letters = word.utf8.dropFirst()
      while let letter = letters.popFirst() {
        let short = String(decoding: [letter], as: UTF8.self)
        guard let index = shapes.firstIndex(where: { $0.short?.bytesEqual(short) == true }) else {
          if let ending = ending("-" + short) { return (settings, next, ending) }
          throw unknown("-" + short)
        }
        let value: String
        if shapes[index].value == nil || letters.isEmpty {
          value = try standaloneValue(of: index, calledAs: "-" + short)
        } else {
          value = String(decoding: letters, as: UTF8.self)
          letters = letters.dropFirst(letters.count)
        }
        settings.append(ParsedOption(index: index, value: value, source: "-" + short, words: start..<next))
      }
    }
  }
  return (settings, next, .words)
}

@inline(never)
func apply<Options>(
  _ setting: ParsedOption, _ table: [OptionDefinition<Options>], first: Int = 0, to options: inout Options
) throws(UsageError) {
  do throws(InvalidValue) {
    try table[setting.index - first].set(&options, setting.value)
  } catch {
    throw UsageError(message: "\(setting.source): \(setting.value.quoted) \(error.reason)")
  }
}

/// Splits `--name=value` or `--name`.
private func splitLong(_ word: String) -> (name: String, value: String?) {
  let bytes = word.utf8.dropFirst(2)
  guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
    return (String(decoding: bytes, as: UTF8.self), nil)
  }
  return (
    String(decoding: bytes[..<equals], as: UTF8.self),
    String(decoding: bytes[bytes.index(after: equals)...], as: UTF8.self)
  )
}

// Not inlined, because the generic functions that call these exist once for each command.

@inline(never)
private func readCommand(
  _ name: String, _ arguments: [String], _ shapes: [OptionSpec]
) throws(UsageError) -> (settings: [ParsedOption], Ending) {
  let help = "ebb \(name) --help"
  let (settings, next, ending) = try readOptions(arguments.dropFirst(), shapes, help: help, isBeforeCommand: false)
  guard next == arguments.count || ending != .words else {
    throw UsageError(
      message: "\(arguments[next].quoted) is not an option: see \(help); "
        + "to run a program called \(name): ebb -- \(name)")
  }
  return (settings, ending)
}
