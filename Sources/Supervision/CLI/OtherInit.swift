// The command lines and variables of the inits that ebb can replace.

import Primitives

/// An init that ebb replaces if called by its name: ebb then accepts that program's command line and variables. It is
/// asleep, which means it behaves like that program, unless one of a few `EBB_` variables is set.
package enum OtherInit: Sendable {
  case tini, dumbInit, catatonit

  /// Any of these wakes ebb. EBB_LOG does not, because it may be set for all containers of a company.
  private static let wakingVariables = ["EBB_DELAY", "EBB_DRAIN", "EBB_TERMINATION_GRACE_PERIOD", "EBB_HEALTH"]

  /// Recognises the last component of argv[0]. It must be cheap, because each start of ebb runs it.
  package init?(path: UnsafePointer<CChar>) {
    var name = path
    var next = path
    while next.pointee != 0 {
      if next.pointee == CChar(UInt8(ascii: "/")) { name = next + 1 }
      next += 1
    }
    guard "tdcp".utf8.contains(UInt8(bitPattern: name.pointee)) else { return nil }
    let text = String(cString: name)
    func isOne(of names: [String]) -> Bool { names.contains { $0.bytesEqual(text) } }
    if isOne(of: ["tini", "tini-static", "docker-init"]) {
      self = .tini
    } else if text.bytesEqual("dumb-init") {
      self = .dumbInit
    } else if isOne(of: ["catatonit", "podman-init"]) {
      self = .catatonit
    } else {
      return nil
    }
  }

  var name: String {
    switch self {
    case .tini: "tini"
    case .dumbInit: "dumb-init"
    case .catatonit: "catatonit"
    }
  }

  /// The output of `--version`. dockerd and scripts parse its start.
  private var versionText: String {
    switch self {
    case .tini: "tini version 0.19.0 - ebb \(ebbVersion)\n"
    case .dumbInit: "dumb-init v1.2.5 - ebb \(ebbVersion)\n"
    case .catatonit: "tini version 0.1.7_catatonit - ebb \(ebbVersion)\n"
    }
  }

  private var licenceText: String {
    "This is ebb in the place of \(name), and has none of its code; ebb's licence comes with ebb.\n"
  }

  private var helpText: String {
    var text = """
      ebb \(ebbVersion) in the place of \(name)

      usage: \(name) [OPTION...] [--] COMMAND [ARG...]


      """
    for shape in table.map({ $0.spec }) {
      text += "  -\(shape.short ?? "")\(shape.name.utf8.isEmpty ? "" : ", --" + shape.name)"
      text += "\(shape.value.map { " " + $0 } ?? ""): \(shape.help)\n"
    }
    return text + """

      It does what \(name) does, until one of EBB_DELAY, EBB_DRAIN, EBB_TERMINATION_GRACE_PERIOD and
      EBB_HEALTH is set: then it is ebb, and all variables of ebb --help count.

      """
  }

  /// Returns the output that an argument requests.
  func answer(_ word: String) -> Ending? {
    func isOne(of words: [String]) -> Bool { words.contains { $0.bytesEqual(word) } }
    switch self {
    case .tini: return isOne(of: ["-h"]) ? .help : isOne(of: ["-l"]) ? .licence : nil
    case .dumbInit: return isOne(of: ["-h", "--help"]) ? .help : isOne(of: ["-V", "--version"]) ? .version : nil
    case .catatonit:
      return isOne(of: ["-h"]) ? .help : isOne(of: ["-V", "--version"]) ? .version : isOne(of: ["-L"]) ? .licence : nil
    }
  }

  private func isAwake(_ variables: Variables) -> Bool {
    variables.hasOwn && OtherInit.wakingVariables.contains { variables.value($0)?.utf8.isEmpty == false }
  }
}

// MARK: - Arguments

extension OtherInit {
  /// Returns the order of the arguments in which tini and catatonit get them from glibc's getopt(3): options first,
  /// wherever they are before a `--`, then that `--`, then all others. `isPosix`: POSIXLY_CORRECT is set, so the first
  /// argument that is not an option ends the options.
  package func arrangement(of words: [String], isPosix: Bool) -> [Int] {
    guard self != .dumbInit, !isPosix else { return Array(words.indices) }
    var options: [Int] = []
    var others: [Int] = []
    var at = 0
    while at < words.count, !words[at].bytesEqual("--") {
      let isOption = words[at].utf8.count > 1 && words[at].hasBytePrefix("-")
      if !isOption {
        others.append(at)
      } else {
        options.append(at)
        if takesNext(words[at]), at + 1 < words.count {
          at += 1
          options.append(at)
        }
      }
      at += 1
    }
    if at < words.count { options.append(at) }
    return options + others + Array((at..<words.count).dropFirst())
  }

  /// Whether the next argument is the value of this argument's last letter.
  private func takesNext(_ word: String) -> Bool {
    let letters = Array(word.utf8.dropFirst())
    let first = letters.firstIndex { $0 == UInt8(ascii: "p") || $0 == UInt8(ascii: "e") }
    return self == .tini && first == letters.count - 1
  }

  /// Parses the arguments, in the order of `arrangement`. Throws `UsageError` with the program's exit code.
  func parse(_ words: [String], _ variables: Variables) throws(UsageError) -> Invocation {
    let isAwake = isAwake(variables)
    do throws(UsageError) {
      if self == .tini, words.count == 1, words[0].bytesEqual("--version") { return .help(versionText) }
      let table = table
      let (settings, next, ending) = try readOptions(
        words[...], table.map { $0.spec }, help: "\(name) -h", of: self)
      switch ending {
      case .help: return .help(helpText)
      case .version: return .help(versionText)
      case .licence: return .help(licenceText)
      case .words: break
      }
      var given = GivenOptions(isAsleep: !isAwake)
      takeVariables(variables, &given)
      for setting in settings { try apply(setting, table, to: &given) }
      guard next < words.count else {
        throw UsageError(message: "no command given: expected \(name) [OPTION...] [--] COMMAND [ARG...]")
      }
      return .run(try options(given, variables), commandIndex: next)
    } catch {
      throw UsageError(message: "\(name): \(error.message)", code: isAwake ? ExitCode.ownFailure : 1)
    }
  }
}

// MARK: - Options

/// The settings from the command line and from the program's own variables.
private struct GivenOptions {
  let isAsleep: Bool
  /// Settings for ebb's table.
  var settings: [ParsedOption] = []
  var rewrites: [(from: Signal, to: Signal?)] = []
  var isSubreaper = false
  var isSingleChild = false
  /// tini's verbosity: warnings are logged from 1 on.
  var level = 1
  /// TINI_VERBOSITY is set, which overrides `-v`.
  var levelIsFixed = false

  mutating func add(_ option: String, _ value: String, calledAs source: String) {
    guard let index = RunOptions.table.firstIndex(where: { $0.spec.name.bytesEqual(option) }) else { return }
    settings.append(ParsedOption(index: index, value: value, source: source, words: 0..<0))
  }
}

extension OtherInit {
  private var table: [OptionDefinition<GivenOptions>] {
    switch self {
    case .tini:
      [
        OptionDefinition(
          name: "", short: "s", parse: parseFlag, help: "become a child subreaper"
        ) { $0.isSubreaper = $1 },
        OtherInit.passedOn("g", as: "group", help: "signal the command's process group"),
        OtherInit.passedOn("w", as: "warn-reaped", help: "a line for each reaped orphan"),
        OptionDefinition(name: "", short: "v", help: "say more") { given, text throws(InvalidValue) in
          if try parseFlag(text), !given.levelIsFixed { given.level += 1 }
        },
        OptionDefinition(name: "", short: "p", value: "SIGNAL", help: "the signal at the parent's death, e.g. SIGTERM")
        {
          given, text throws(InvalidValue) in
          guard let signal = Signal(text: text), signal.number < 32, text.bytesEqual("SIG" + signal.name) else {
            throw InvalidValue(reason: "is not a signal: expected its name, e.g. SIGTERM")
          }
          given.add("parent-death-signal", text, calledAs: "-p")
        },
        OptionDefinition(name: "", short: "e", value: "CODE", help: "exit with 0 where the command's code is CODE") {
          given, text throws(InvalidValue) in
          // strtol(3) parses an empty text as 0.
          guard let code = parseDecimal(Array((text.utf8.isEmpty ? "0" : text).utf8.withoutBlanks), max: 255) else {
            throw InvalidValue(reason: "is not an exit code: expected 0 to 255")
          }
          given.add("remap-exit", "\(code)", calledAs: "-e")
        },
      ]
    case .dumbInit:
      [
        OptionDefinition(
          name: "single-child", short: "c", parse: parseFlag, help: "no new session, and signals for the command alone"
        ) { $0.isSingleChild = $1 },
        OtherInit.passedOn("v", name: "verbose", as: "verbose", help: "say more"),
        OptionDefinition(name: "rewrite", short: "r", value: "FROM:TO", help: "forward a signal as another, 0 drops it")
        {
          given, text throws(InvalidValue) in
          // sscanf(3) parses two numbers and ignores the rest.
          let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
          guard parts.count > 1,
            let from = parseDecimal(Array(parts[0].withoutBlanks), max: 31).flatMap({ Signal(number: $0) }),
            let to = parseDecimal(Array(parts[1].withoutBlanks.prefix { 48...57 ~= $0 }), max: 31)
          else { throw InvalidValue(reason: "is not a rewrite: expected two numbers, e.g. 15:3, or 1:0 to drop it") }
          given.rewrites.append((from, Signal(number: to)))
        },
      ]
    case .catatonit: [OtherInit.passedOn("g", as: "group", help: "signal the command's process group")]
    }
  }

  /// A flag that ebb has too.
  private static func passedOn(
    _ letter: String, name: String = "", as option: String, help: String
  ) -> OptionDefinition<GivenOptions> {
    OptionDefinition(name: name, short: letter, help: help) { given, text throws(InvalidValue) in
      given.add(option, try parseFlag(text) ? "yes" : "no", calledAs: "-" + letter)
    }
  }

  private func takeVariables(_ variables: Variables, _ given: inout GivenOptions) {
    switch self {
    case .tini:
      given.isSubreaper = variables.value("TINI_SUBREAPER") != nil
      if variables.value("TINI_KILL_PROCESS_GROUP") != nil { given.add("group", "yes", calledAs: "-g") }
      if let text = variables.value("TINI_VERBOSITY") {
        // Parsed like atoi(3) does.
        given.level = parseDecimal(Array(text.utf8.prefix { 48...57 ~= $0 }), max: 9) ?? 0
        given.levelIsFixed = true
      }
    case .dumbInit: given.isSingleChild = variables.value("DUMB_INIT_SETSID")?.bytesEqual("0") == true
    case .catatonit: break
    }
  }

  private func options(_ given: GivenOptions, _ variables: Variables) throws(UsageError) -> RunOptions {
    var given = given
    if self == .dumbInit, !given.isSingleChild {
      given.add("session", "yes", calledAs: "-c")
      given.add("group", "yes", calledAs: "-c")
    }
    var options = RunOptions()
    guard given.isAsleep else {
      if given.level > 1 { given.add("verbose", "\(given.level - 1)", calledAs: "-v") }
      if given.level < 1 { given.add("quiet", "yes", calledAs: "TINI_VERBOSITY") }
      for (from, to) in given.rewrites where !SignalSet.neverForwarded.contains(from) {
        given.add("rewrite", "\(from.number):\(to?.number ?? 0)", calledAs: "-r")
      }
      try fill(&options, from: given.settings, variables)
      return options
    }
    for setting in given.settings { try apply(setting, RunOptions.table, to: &options) }
    if given.level < 1 { options.logsReapedOrphans = false }
    if options.newSession {
      // The kernel does not stop a process by these signals if no process outside its session could continue it.
      for signal in Asleep.terminalStops.signals { options.rewrites.add(from: signal, to: .stop) }
    }
    for (from, to) in given.rewrites { options.rewrites.add(from: from, to: to) }
    options.sleep(
      as: self, isSubreaper: given.isSubreaper || self == .catatonit,
      warnsOfZombies: self == .tini && given.level > 0)
    return options
  }
}

extension Collection<UInt8> {
  /// The bytes after the spaces and the plus sign that strtol(3) skips before a number.
  fileprivate var withoutBlanks: SubSequence { drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "+") } }
}
