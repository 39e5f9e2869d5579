/// Reads the words after `ebb`. The first one selects the form. `variable` gives the value of an environment variable,
/// which only the forms that supervise look at: `kubectl exec` hands them to the other commands too. `hasOwnVariables`: the
/// name of at least one begins with `EBB_`. `other`: ebb stands in the place of that program, and the words are in the order
/// of its `arrangement`.
package func parse(
  words: [String], as other: OtherInit? = nil, variable: @escaping (String) -> String?, hasOwnVariables: Bool = true
) throws(UsageError) -> Invocation {
  let variables = Variables(value: variable, hasOwn: hasOwnVariables)
  if let other { return try other.parse(words, variables) }
  let first = words.first ?? ""
  if first.isSame(as: "status") {
    var options = StatusOptions()
    return try parse("status", words, &options) ?? .status(options)
  }
  if first.isSame(as: "stop") {
    var options = StopOptions()
    return try parse("stop", words, &options) ?? .stop(options)
  }
  if first.isSame(as: "probe") {
    var options = ProbeOptions()
    return try parse("probe", words, &options) ?? .probe(options)
  }
  if first.isSame(as: "drain") {
    var options = DrainOptions()
    return try parse("drain", words, &options) ?? .drain(options)
  }
  if first.isSame(as: "smoke") { return try parseSmoke(words: words, variables) }
  if first.isSame(as: "plan") { return try parsePlan(words: words, variables) }
  // Else it is the program install.
  if isInstall(words) { return .install(words[1]) }
  return try parseRun(words: words, variables)
}

private func isInstall(_ words: [String]) -> Bool {
  words.count == 2 && words[0].isSame(as: "install") && words[1].starts(withText: "/")
}

/// Whether the words are a command of ebb's own.
package func isOwnCommand(_ words: [String]) -> Bool {
  guard let first = words.first else { return false }
  return isInstall(words)
    || ["status", "stop", "probe", "drain", "smoke", "plan"].contains { first.isSame(as: $0) }
}

/// The environment variables.
struct Variables {
  let value: (String) -> String?
  /// The name of at least one begins with `EBB_`.
  let hasOwn: Bool
}

/// The run form. Parsing stops at the first word that is no option, so that `ebb sh -c 'x'` works; the words of the
/// command are never looked at.
private func parseRun(words: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  let (settings, next, ending) = try readOptions(words[...], RunOptions.table.map { $0.shape }, help: "ebb --help")
  if case .help = ending { return .help(helpText()) }
  if case .version = ending { return .version }
  var options = RunOptions()
  try fill(&options, from: settings, variables)
  guard next < words.count else {
    throw UsageError(message: "no command given: expected ebb [OPTION...] [--] COMMAND [ARG...]; see ebb --help")
  }
  return .run(options, commandAt: next)
}

/// Takes in what was given and, where it was not, what the environment says. A flag beats its variable. `first` is the
/// index of this table's first option in the settings.
func fill(
  _ options: inout RunOptions, from settings: [Setting], first: Int = 0, _ variables: Variables
) throws(UsageError) {
  let table = RunOptions.table
  for setting in settings where setting.index >= first { try apply(setting, table, first: first, to: &options) }
  // In most containers there is none, and forty names need not be put together.
  let indices = variables.hasOwn ? table.indices : 0..<0
  for index in indices where !settings.contains(where: { $0.index == first + index }) {
    let shape = table[index].shape
    // Compose and templates make empty variables of what was never set.
    guard let value = variables.value(shape.variable), !value.utf8.isEmpty else { continue }
    let values = shape.repeatable ? value.parts(separatedBy: UInt8(ascii: ",")) : [value]
    for value in values where !(shape.repeatable && value.utf8.isEmpty) {
      try apply(Setting(index: index, value: value, source: shape.variable, words: 0..<0), table, to: &options)
    }
    options.variables |= 1 << UInt64(index)
  }
  options.orchestrator = Orchestrator(variables.value)
  try StopTimes.check(options)
}

/// The run form behind the word `smoke`: options of both, in any order. Those of the run form are the supervisor's, word
/// for word, as are its variables.
private func parseSmoke(words: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  do throws(UsageError) {
    var options = SmokeOptions()  // the table takes it as inout
    let own = SmokeOptions.table
    let (settings, next, ending) = try readOptions(words.dropFirst(), smokeShapes, help: "ebb smoke --help")
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
    guard next < words.count else {
      throw UsageError(message: "no command given: expected ebb smoke [OPTION...] [--] COMMAND [ARG...]")
    }
    return .smoke(options, commandAt: next)
  } catch {
    throw error.of("smoke")
  }
}

/// Its own options, then the supervisor's.
private var smokeShapes: [OptionShape] { SmokeOptions.table.map { $0.shape } + RunOptions.table.map { $0.shape } }

/// `ebb plan`: its own options, then those of the run form.
private func parsePlan(words: [String], _ variables: Variables) throws(UsageError) -> Invocation {
  do throws(UsageError) {
    var options = PlanOptions()
    let own = PlanOptions.table
    let (settings, ending) = try readCommand("plan", words, own.map { $0.shape } + RunOptions.table.map { $0.shape })
    if case .help = ending { return .help(PlanOptions.help) }
    if case .version = ending { return .version }
    for setting in settings where setting.index < own.count { try apply(setting, own, to: &options) }
    try fill(&options.run, from: settings, first: own.count, variables)
    return .plan(options)
  } catch {
    throw error.of("plan")
  }
}

/// A command of ebb's own, `words[0]`: options and nothing else. Nil where these are what to go by.
private func parse<Options: CommandOptions>(
  _ name: String, _ words: [String], _ options: inout Options
) throws(UsageError) -> Invocation? {
  let table = Options.table
  do throws(UsageError) {
    let (settings, ending) = try readCommand(name, words, table.map { $0.shape })
    if case .help = ending { return .help(Options.help) }
    if case .version = ending { return .version }
    for setting in settings { try apply(setting, table, to: &options) }
    try options.check()
    return nil
  } catch {
    throw error.of(name)
  }
}

// MARK: - Words

/// An option that was given.
struct Setting {
  let index: Int
  let value: String
  /// How it was called, for messages.
  let source: String
  /// Where it stands; empty for a variable.
  let words: Range<Int>
}

enum Ending { case words, help, version, licence }

/// What a word asks to print.
private func answer(_ word: String) -> Ending? {
  if word.isSame(as: "--help") || word.isSame(as: "-h") { return .help }
  return word.isSame(as: "--version") || word.isSame(as: "-V") ? .version : nil
}

/// Reads options up to the first word that is none. Knows nothing of what they mean. `help` lists them; `isBeforeCommand`:
/// a word that looks like an option may have been meant as the command. `other`: whose options they
/// are, if not ebb's.
func readOptions(
  _ words: ArraySlice<String>, _ shapes: [OptionShape], help: String, isBeforeCommand: Bool = true,
  of other: OtherInit? = nil
) throws(UsageError) -> (settings: [Setting], next: Int, Ending) {
  var settings: [Setting] = []
  var next = words.startIndex

  /// The value of an option that came without one attached: the next word, or yes for a flag.
  func standaloneValue(of index: Int, calledAs name: String) throws(UsageError) -> String {
    guard let value = shapes[index].value else { return "yes" }
    guard next < words.endIndex else {
      throw UsageError(message: "\(name): a value is missing: expected \(name) \(value)")
    }
    next += 1
    return words[next - 1]
  }

  func ending(_ word: String) -> Ending? { other.map { $0.answer(word) } ?? answer(word) }

  func unknown(_ name: String) -> UsageError {
    let hint = isBeforeCommand ? "; a command that begins with a dash goes after --" : ""
    return UsageError(message: "\(name.quoted) is no option: see \(help)\(hint)")
  }

  while next < words.endIndex, words[next].utf8.count > 1, words[next].starts(withText: "-") {
    let word = words[next]
    let start = next
    next += 1
    if word.isSame(as: "--") { break }
    if let ending = ending(word) { return (settings, next, ending) }
    if word.starts(withText: "--") {
      let (name, attached) = splitLong(word)
      guard !name.utf8.isEmpty, let index = shapes.firstIndex(where: { $0.name.isSame(as: name) }) else {
        throw unknown("--" + name)
      }
      let value: String
      if let attached { value = attached } else { value = try standaloneValue(of: index, calledAs: "--" + name) }
      settings.append(Setting(index: index, value: value, source: "--" + name, words: start..<next))
    } else {
      // Short ones: flags may share one word (`-gw`); the rest of the word after an option that takes a value is the
      // value.
      var letters = word.utf8.dropFirst()
      while let letter = letters.popFirst() {
        let short = String(decoding: [letter], as: UTF8.self)
        guard let index = shapes.firstIndex(where: { $0.short?.isSame(as: short) == true }) else {
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
        settings.append(Setting(index: index, value: value, source: "-" + short, words: start..<next))
      }
    }
  }
  return (settings, next, .words)
}

@inline(never)
func apply<Options>(
  _ setting: Setting, _ table: [Option<Options>], first: Int = 0, to options: inout Options
) throws(UsageError) {
  do throws(Unacceptable) {
    try table[setting.index - first].set(&options, setting.value)
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

// Not inlined: the functions that call these are there once for each command.

@inline(never)
private func readCommand(
  _ name: String, _ words: [String], _ shapes: [OptionShape]
) throws(UsageError) -> (settings: [Setting], Ending) {
  let help = "ebb \(name) --help"
  let (settings, next, ending) = try readOptions(words.dropFirst(), shapes, help: help, isBeforeCommand: false)
  guard next == words.count || ending != .words else {
    throw UsageError(
      message: "\(words[next].quoted) is no option: see \(help); "
        + "to run a program called \(name): ebb -- \(name)")
  }
  return (settings, ending)
}
