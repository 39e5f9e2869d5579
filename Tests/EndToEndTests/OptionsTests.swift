import Foundation
import TestSupport
import Testing

/// The command line and the variables.
@Suite(.endsItsProcesses)
struct OptionsTests {
  // MARK: Asking

  @Test(arguments: [["-h"], ["--help"], ["--delay", "1s", "--help"], ["-h", "exit"]])
  func `--help prints every option on standard output`(arguments: [String]) throws {
    let run = try Run.ebb(arguments: arguments)
    try run.expect(.code(0))
    #expect(run.err.text == "")
    let names = [
      "--delay", "--grace", "--termination-grace-period", "-t", "--kill-margin", "--leftover-timeout", "--stop-signals",
      "--rewrite", "-r", "--group", "-g", "--session", "--subreaper", "-s", "--parent-death-signal", "-p",
      "--remap-exit", "-e", "--warn-reaped", "-w", "--log", "--quiet", "-q", "--verbose", "-v", "--help", "-h",
      "--version", "-V",
    ]
    for name in names { #expect(run.out.text.contains(name), "help lacks \(name)") }
  }

  @Test(arguments: ["-V", "--version"])
  func `--version prints one line on standard output`(option: String) throws {
    let run = try Run.ebb(arguments: [option])
    try run.expect(.code(0))
    #expect(run.err.text == "")
    #expect(run.out.lines.count == 1)
    #expect(try /ebb [0-9]+\.[0-9]+\.[0-9]+.*/.wholeMatch(in: run.out.lines.first ?? "") != nil)
  }

  // MARK: Mistakes

  @Test(arguments: [
    ["--delay", "5x"], ["--delay", "-1s"], ["--delay", ""], ["--delay", "1.5s"], ["--delay", "s"],
    ["--delay", "99999999999999999999s"], ["--delay", "18446744073709551617"], ["--delay", " 1s"], ["--delay", "1s "],
    ["--grace", "abc"], ["--termination-grace-period", "forever"], ["-t", "1y"], ["--kill-margin", "1m1"],
    ["--leftover-timeout", "0x10"], ["--stop-signals", "NOPE"], ["--stop-signals", "KILL"],
    ["--stop-signals", "TERM,STOP"], ["--stop-signals", "65"], ["--rewrite", "TERM"], ["-r", "TERM:NOPE"],
    ["-r", "KILL:TERM"], ["-r", "TERM:QUIT:HUP"], ["-r", ":"], ["-r", "TERM:65"], ["-p", "NOPE"],
    ["--parent-death-signal", "0"], ["-e", "256"], ["-e", "1:300"], ["-e", "x"], ["-e", "-1"],
    ["--remap-exit", "1:2:3"], ["--log", "xml"], ["--log", ""],
  ])
  func `an invalid option value exits with 125 and is named`(option: [String]) throws {
    for words in [option, joined(option)] {
      let run = try Run.ebb(words, testApp("exit", "0"))
      try expectMistake(run, naming: option[0], option[1])
    }
  }

  /// Returns "--name=VALUE" or "-nVALUE". An empty value cannot be joined to a short name.
  private func joined(_ option: [String]) -> [String] {
    if option[0].hasPrefix("--") { return [option[0] + "=" + option[1]] }
    return option[1].isEmpty ? option : [option[0] + option[1]]
  }

  @Test(arguments: [
    ("EBB_DELAY", "5x"), ("EBB_GRACE", "-1"), ("EBB_TERMINATION_GRACE_PERIOD", "long"), ("EBB_KILL_MARGIN", "1e3"),
    ("EBB_LEFTOVER_TIMEOUT", "?"), ("EBB_STOP_SIGNALS", "TERM,NOPE"), ("EBB_REWRITE", "HUP"), ("EBB_GROUP", "maybe"),
    ("EBB_SESSION", "2"), ("EBB_PARENT_DEATH_SIGNAL", "DEATH"), ("EBB_REMAP_EXIT", "143,x"), ("EBB_LOG", "xml"),
    ("EBB_WARN_REAPED", "often"), ("EBB_QUIET", "quite"),
  ])
  func `an invalid variable value exits with 125 and is named`(name: String, value: String) throws {
    let run = try Run.ebb([], testApp("exit", "0"), .environment([name: value]))
    try expectMistake(run, naming: name, String(value.split(separator: ",").last ?? ""))
  }

  @Test(arguments: [
    (["--nope"], "--nope"), (["-Z"], "-Z"), (["--delay"], "--delay"), (["-r"], "-r"), ([], "command"),
    (["--delay", "1s"], "command"), (["--"], "command"), (["-gZ", "true"], "-Z"), (["--group=maybe", "true"], "maybe"),
    (["--=x", "true"], "--"),
  ])
  func `an invalid command line exits with 125 and names the mistake`(arguments: [String], mentioned: String) throws {
    try expectMistake(Run.ebb(arguments: arguments), naming: mentioned)
  }

  @Test func `invalid UTF-8, line ends and very long values are reported in one line`() throws {
    for value in [#"\377\376"#, #"1s\n\n"#, #"\033[31m"#, #"1\r"#] {
      let script = "exec \"$0\" --delay \"$(printf '\(value)x')\" true"
      try expectMistake(Run.program(["/bin/sh", "-c", script, Binaries.ebb()]), naming: "--delay")
    }
    let long = String(repeating: "9", count: 100_000)
    for option in ["--delay", "-r", "-e", "--stop-signals", "--log", "-p"] {
      let run = try Run.ebb([option, long], testApp("exit", "0"))
      try expectMistake(run, naming: option)
    }
  }

  /// Checks for exit code 125 and one line that names the mistake.
  private func expectMistake(_ run: Run, naming words: String...) throws {
    try run.expect(.code(125))
    #expect(run.out.text == "", "\(run)")
    #expect(run.err.lines.count == 1, "\(run)")
    #expect(run.err.text.hasPrefix("ebb: "), "\(run)")
    for word in words where !word.isEmpty { #expect(run.err.text.contains(word), "\(run)") }
  }

  // MARK: Arithmetic

  @Test(arguments: [
    (["--delay", "20s", "--grace", "10s", "-t", "30s"], "31s"), (["--delay", "29s"], "31s"),
    (["--delay", "0", "--kill-margin", "30s"], "31s"), (["--grace", "30s"], "31s"),
    (["--delay", "1500ms", "--grace", "1200ms", "-t", "3s", "--kill-margin", "500ms"], "3s200ms"),
  ])
  func `times that do not fit are refused with the least grace period that fits`(options: [String], least: String)
    throws
  {
    let run = try Run.ebb(options, testApp("exit", "0"))
    try expectMistake(run, naming: "termination-grace-period", "the least that fits is \(least)")
    // With --drain time, which LaunchOptions sets.
    try Run.ebb(options + ["-t", least], testApp("exit", "0")).expect(.code(0))
  }

  @Test(arguments: [
    ["-t", "10s"], ["-t", "1s"], ["-t", "0"], ["--delay", "20s"], ["--delay", "28s"], ["--grace", "29s"],
    ["--drain-timeout", "28s"], ["-t", "600s"],
  ])
  func `default times fit beside the given ones`(options: [String]) throws {
    try Run.ebb(options, testApp("exit", "0"), in: .subreaper, .withTraffic).expect(.code(0))
  }

  /// Compose files and templates produce such variables.
  @Test func `an empty variable counts as unset`() throws {
    let names = [
      "DELAY", "DRAIN", "DRAIN_TIMEOUT", "PORTS", "GRACE", "TERMINATION_GRACE_PERIOD", "STOP_SIGNALS", "GROUP",
      "HEALTH",
      "READY_HTTP", "PRE_STOP", "TERMINATION_LOG", "LOG", "PARENT_DEATH_SIGNAL",
    ]
    let setup = LaunchOptions.environment(Dictionary(uniqueKeysWithValues: names.map { ("EBB_" + $0, "") }))
    try Run.ebb([], testApp("exit", "7"), in: .subreaper, setup).expect(.code(7))
    let smoke = try Run.ebb(arguments: ["smoke", "--duration", "0", "--"] + testApp("signals"), setup)
    try smoke.expect(.code(0))
  }

  @Test(arguments: [
    ["--delay", "19s", "--grace", "10s", "-t", "30s"], ["--delay", "28s"], ["-t", "7s"], ["-t", "7"],
    ["--delay", "0", "--kill-margin", "0", "-t", "1s"], ["--delay", "1m30s", "-t", "2h"], ["--delay", "0s"],
  ])
  func `times that fit exactly are accepted`(options: [String]) throws {
    try Run.ebb(options, testApp("exit", "0")).expect(.code(0))
  }

  // MARK: Parsing

  @Test func `option parsing stops at the first argument that is not an option`() throws {
    let run = try Run.ebb(arguments: ["--delay", "1s"] + testApp("report", "--delay", "x", "-h", "--", "-V"))
    try run.expect(.code(0))
    let arguments = run.out.lines.filter { $0.hasPrefix("argument: ") }.map { $0.dropFirst(10) }
    #expect(arguments == ["report", "--delay", "x", "-h", "--", "-V"])
  }

  @Test func `the argument after -- is the command even if it looks like an option`() throws {
    try Run.ebb(arguments: ["--", "--help"]).expect(.code(127))
    try Run.ebb(arguments: ["--", "--", "true"]).expect(.code(127))
  }

  @Test func `a later option overrides an earlier one`() throws {
    try Run.ebb(["--delay", "60s", "--delay", "0", "-t", "5s"], testApp("exit", "0")).expect(.code(0))
  }

  @Test func `short options may share one argument, the last with its value`() throws {
    let run = try Run.ready(["-gwsr", "USR1:USR2", "-e3"], testApp("signals", "--exit-on", "USR2:3"))
    try run.send(.sigusr1)
    try run.expect(.code(0))
  }

  @Test(arguments: ["TERM", "SIGTERM", "15"])
  func `a signal may be given by name, with the prefix SIG or by number`(name: String) throws {
    let options = ["-r", "\(name):RTMIN+3", "--delay", "0"]
    let run = try Run.ready(options, testApp("signals", "--exit-on", "RTMIN+3:5"))
    try run.stop(.code(5))
  }

  // MARK: Variables

  @Test func `every option can be set by its variable`() throws {
    let setup = LaunchOptions.environment([
      "EBB_DELAY": "0", "EBB_GRACE": "3s", "EBB_TERMINATION_GRACE_PERIOD": "10s", "EBB_KILL_MARGIN": "500ms",
      "EBB_LEFTOVER_TIMEOUT": "1s", "EBB_STOP_SIGNALS": "USR1,QUIT", "EBB_REWRITE": "QUIT:USR2,HUP:0",
      "EBB_GROUP": "1", "EBB_SESSION": "true", "EBB_SUBREAPER": "1", "EBB_REMAP_EXIT": "137:21",
      "EBB_WARN_REAPED": "yes", "EBB_LOG": "json", "EBB_VERBOSE": "1", "EBB_PARENT_DEATH_SIGNAL": "HUP",
    ])
    let run = try Run.ebb([], testApp("signals", "--with-child"), setup)
    let ready = try run.line("ready")
    #expect(try ready.field("sid") == ready.field("pid"))
    try run.line("child ready")
    let sent = try run.send(.sigquit)
    // Child and command continue after SIGUSR2, so the grace ends them.
    try run.expect(.code(21))
    #expect(Clock.now() - sent >= .seconds(3))
    #expect(run.signals.contains("child got USR2"))
    #expect(try run.report()["stop_signal"] as? String == "QUIT")
  }

  @Test func `a flag overrides its variable`() throws {
    let setup = LaunchOptions.environment(["EBB_DELAY": "25s", "EBB_REMAP_EXIT": "0:9", "EBB_REWRITE": "TERM:QUIT"])
    let options = ["--delay", "0", "-e", "1:2", "-r", "TERM:INT"]
    let run = try Run.ready(options, testApp("signals", "--exit-on", "INT:0"), setup)
    let sent = try run.stop(.code(0))
    #expect(Clock.now() - sent < .seconds(20))
    #expect(run.signals == ["got INT"])
  }

  @Test func `unknown EBB_ variables do not change the exit code`() throws {
    try Run.ebb([], testApp("exit", "0"), .environment(["EBB_NOPE": "x", "EBB": "y", "EBB_": "z"])).expect(.code(0))
  }
}
