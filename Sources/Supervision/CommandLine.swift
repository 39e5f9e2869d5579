/// What the words after `ebb` ask for.
public enum Invocation: Sendable {
  /// Print this.
  case help(String)
  case version
  /// Supervise the command that begins at this index of the words.
  case run(RunOptions, commandAt: Int)
  case status(StatusOptions)
  case stop(StopOptions)
  case probe(ProbeOptions)
}

/// A mistake of whoever called: one line, without the `ebb: ` in front.
public struct UsageError: Error, Sendable {
  /// What to print.
  public let message: String
}

/// Reads the words after `ebb`. The first one selects the form. `variable` gives the value of an environment variable,
/// which only the run form looks at: `kubectl exec` hands them to the other commands too.
public func parse(
  words: [String], variable: (String) -> String?
) throws(UsageError) -> Invocation {
  let first = words.first ?? ""
  if first.isSame(as: "status") { return try parse("status", words, StatusOptions()) { .status($0) } }
  if first.isSame(as: "stop") { return try parse("stop", words, StopOptions()) { .stop($0) } }
  if first.isSame(as: "probe") { return try parse("probe", words, ProbeOptions()) { .probe($0) } }
  return try parseRun(words: words, variable: variable)
}

/// The run form. Parsing stops at the first word that is no option, so that `ebb sh -c 'x'` works; the words of the
/// command are never looked at. A flag beats its variable.
private func parseRun(
  words: [String], variable: (String) -> String?
) throws(UsageError) -> Invocation {
  var options = RunOptions()
  let table = RunOptions.table
  let shapes = table.map { $0.shape }
  let (settings, next, ending) = try readOptions(words[...], shapes)
  if case .help = ending { return .help(helpText()) }
  if case .version = ending { return .version }
  for setting in settings { try apply(setting, table, to: &options) }
  for (index, shape) in shapes.enumerated() where !settings.contains(where: { $0.index == index }) {
    guard let value = variable(shape.variable) else { continue }
    let values = shape.repeatable ? value.parts(separatedBy: UInt8(ascii: ",")) : [value]
    for value in values where !(shape.repeatable && value.utf8.isEmpty) {
      try apply(Setting(index: index, value: value, source: shape.variable), table, to: &options)
    }
  }
  try checkBudget(options)
  guard next < words.count else {
    throw UsageError(message: "no command given: expected ebb [OPTION...] [--] COMMAND [ARG...]; see ebb --help")
  }
  return .run(options, commandAt: next)
}

/// A command of ebb's own, `words[0]`: options and nothing else.
private func parse<Options: CommandOptions>(
  _ name: String, _ words: [String], _ standard: Options, _ invocation: (Options) -> Invocation
) throws(UsageError) -> Invocation {
  do throws(UsageError) {
    var options = standard
    let (settings, next, ending) = try readOptions(words.dropFirst(), Options.table.map { $0.shape })
    if case .help = ending { return .help(Options.help) }
    if case .version = ending { return .version }
    for setting in settings { try apply(setting, Options.table, to: &options) }
    guard next == words.count else {
      throw UsageError(
        message: "\(words[next].quoted) is no option: see ebb \(name) --help; "
          + "to run a program called \(name): ebb -- \(name)")
    }
    try options.check()
    return invocation(options)
  } catch {
    throw UsageError(message: "\(name): \(error.message)")
  }
}

/// The options of a command of ebb's own.
protocol CommandOptions {
  static var table: [Option<Self>] { get }
  /// What `--help` prints.
  static var help: String { get }
  /// Throws where options do not go together.
  func check() throws(UsageError)
}

// MARK: - Words

/// An option that was given.
private struct Setting {
  /// In the table.
  let index: Int
  let value: String
  /// How it was called, for messages.
  let source: String
}

private enum Ending { case words, help, version }

/// Reads options up to the first word that is none. Knows nothing of what they mean.
private func readOptions(
  _ words: ArraySlice<String>, _ shapes: [OptionShape]
) throws(UsageError) -> (settings: [Setting], next: Int, Ending) {
  var settings: [Setting] = []
  var next = words.startIndex

  /// The value of an option that came without one attached: the next word, or yes for a flag.
  func standaloneValue(of index: Int, calledAs name: String) throws(UsageError) -> String {
    guard shapes[index].value != nil else { return "yes" }
    guard next < words.endIndex else { throw UsageError(message: "\(name): a value is missing") }
    next += 1
    return words[next - 1]
  }

  while next < words.endIndex, words[next].utf8.count > 1, words[next].starts(withText: "-") {
    let word = words[next]
    next += 1
    if word.isSame(as: "--") { break }
    if word.isSame(as: "--help") || word.isSame(as: "-h") { return (settings, next, .help) }
    if word.isSame(as: "--version") || word.isSame(as: "-V") { return (settings, next, .version) }
    if word.starts(withText: "--") {
      let (name, attached) = splitLong(word)
      guard let index = shapes.firstIndex(where: { $0.name.isSame(as: name) }) else { throw unknown("--" + name) }
      let value: String
      if let attached { value = attached } else { value = try standaloneValue(of: index, calledAs: "--" + name) }
      settings.append(Setting(index: index, value: value, source: "--" + name))
    } else {
      // Short ones: flags may share one word (`-gw`); the rest of the word after an option that takes a value is the
      // value.
      var letters = word.utf8.dropFirst()
      while let letter = letters.popFirst() {
        let short = String(decoding: [letter], as: UTF8.self)
        guard let index = shapes.firstIndex(where: { $0.short?.isSame(as: short) == true }) else {
          throw unknown("-" + short)
        }
        let value: String
        if shapes[index].value == nil || letters.isEmpty {
          value = try standaloneValue(of: index, calledAs: "-" + short)
        } else {
          value = String(decoding: letters, as: UTF8.self)
          letters = letters.dropFirst(letters.count)
        }
        settings.append(Setting(index: index, value: value, source: "-" + short))
      }
    }
  }
  return (settings, next, .words)
}

private func apply<Options>(
  _ setting: Setting, _ table: [Option<Options>], to options: inout Options
) throws(UsageError) {
  do throws(Unacceptable) {
    try table[setting.index].set(&options, setting.value)
  } catch {
    throw UsageError(message: "\(setting.source): \(setting.value.quoted) \(error.reason)")
  }
}

/// `--name=value` or `--name`.
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

private func unknown(_ name: String) -> UsageError {
  UsageError(message: "\(name.quoted) is no option: see ebb --help; a command that begins with a dash goes after --")
}
