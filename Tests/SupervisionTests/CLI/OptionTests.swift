import Testing

@testable import HTTP
@testable import Primitives
@testable import Supervision

private func options(_ words: String..., variables: [String: String] = [:]) throws -> RunOptions {
  try runOptions(words, variables: variables)
}

@Suite struct OptionTests {
  @Test func `--ports takes ports with or without a protocol, each once`() throws {
    let list = "1=http,2=https,3=h2c,4=grpc,5=ws,6=tcp,7,1=tcp"
    let ports = try #require(try options("--ports", list).ports)
    #expect(ports.map { $0.number } == [1, 2, 3, 4, 5, 6, 7])
    #expect(ports.map { $0.speaks } == [.http, .https, .h2c, .grpc, .ws, .tcp, nil])
    for wrong in ["8080/tcp", "80=", "=http", "80=http=http", "80=HTTP", "0=http", "80,", ""] {
      #expect(throws: UsageError.self) { try options("--ports=" + wrong) }
    }
  }

  @Test func `the default that the option table shows is the one in effect`() throws {
    let standard = try options()
    #expect(standard.delay == nil)
    #expect(standard.grace == nil)
    #expect(standard.terminationGracePeriod == nil)
    #expect(standard.killMargin == nil)
    #expect(standard.leftoverTimeout == nil)
    #expect(standard.stopSignals == SignalSet([.sigterm]))
    #expect(standard.verbosity == 0)
    // Setting an option to the default that the table shows changes nothing.
    for option in RunOptions.table {
      guard let shown = option.spec.defaultText, option.spec.value != nil, TimeAmount(text: shown) != nil else {
        continue
      }
      var set = RunOptions()
      try option.set(&set, shown)
      #expect("\(set)" == "\(RunOptions())", "--\(option.spec.name)")
    }
  }

  @Test func `an option's value may be attached or be the next argument, and the last one wins`() throws {
    #expect(try options("--delay", "7s").delay == .seconds(7))
    #expect(try options("--delay=7s").delay == .seconds(7))
    #expect(try options("-t", "40").terminationGracePeriod == .seconds(40))
    #expect(try options("-t40").terminationGracePeriod == .seconds(40))
    #expect(try options("--delay", "7s", "--delay", "8s").delay == .seconds(8))
  }

  @Test func `short flags share an argument, and the last of them takes the rest as its value`() throws {
    let bundled = try options("-gwe143")
    #expect(bundled.targetsProcessGroup)
    #expect(bundled.logsReapedOrphans)
    #expect(bundled.exitCodeRemaps == [ExitCodeRemap(from: 143, to: 0)])
    #expect(try options("-vv").verbosity == 2)
    #expect(try options("-q").verbosity == -1)
    #expect(try options("--group=no", variables: ["EBB_GROUP": "1"]).targetsProcessGroup == false)
  }

  @Test func `each option can be set by its environment variable`() throws {
    let values = [
      "EBB_DELAY": "1s", "EBB_GRACE": "2s", "EBB_TERMINATION_GRACE_PERIOD": "60s", "EBB_KILL_MARGIN": "3s",
      "EBB_LEFTOVER_TIMEOUT": "4s",
      "EBB_STOP_SIGNALS": "TERM,QUIT", "EBB_REWRITE": "TERM:INT,HUP:0", "EBB_GROUP": "yes", "EBB_SESSION": "1",
      "EBB_SUBREAPER": "",
      "EBB_PARENT_DEATH_SIGNAL": "KILL", "EBB_REMAP_EXIT": "143,1:2", "EBB_WARN_REAPED": "true", "EBB_LOG": "json",
      "EBB_QUIET": "on",
      "EBB_VERBOSE": "3", "EBB_READY_TCP": "8080", "EBB_READY_HTTP": "http://localhost:8080/a,b",
      "EBB_STARTUP_TIMEOUT": "5s",
      "EBB_HEALTH": "127.0.0.1:8086", "EBB_READY_HOLD": "6s", "EBB_PRE_STOP": "a 'b c'",
      "EBB_TERMINATION_LOG": "/tmp/log", "EBB_DRAIN": "zero", "EBB_DRAIN_TIMEOUT": "7s", "EBB_DRAIN_QUIET": "8s",
      "EBB_PORTS": "80,443,80",
    ]
    #expect(Set(values.keys) == Set(RunOptions.table.map(\.spec.variable)))
    let set = try options(variables: values)
    #expect(set.delay == .seconds(1))
    #expect(set.grace == .seconds(2))
    #expect(set.terminationGracePeriod == .seconds(60))
    #expect(set.killMargin == .seconds(3))
    #expect(set.leftoverTimeout == .seconds(4))
    #expect(set.drain == .zero)
    #expect(set.drainTimeout == .seconds(7))
    #expect(set.drainQuiet == .seconds(8))
    #expect(set.ports?.map { $0.number } == [80, 443])
    #expect(set.stopSignals == SignalSet([.sigterm, .sigquit]))
    #expect(set.rewrites.apply(to: .sigterm) == .sigint)
    #expect(set.rewrites.apply(to: .sighup) == nil)
    #expect(set.targetsProcessGroup)
    #expect(set.newSession)
    #expect(set.logsReapedOrphans)
    #expect(set.parentDeathSignal == .sigkill)
    #expect(set.exitCodeRemaps == [ExitCodeRemap(from: 143, to: 0), ExitCodeRemap(from: 1, to: 2)])
    #expect(set.logFormat == .json)
    #expect(set.verbosity == 2)
    #expect(set.readyTCP == 8080)
    #expect(set.readyHTTP?.path == "/a,b")
    #expect(set.readiness.count == 2)
    #expect(set.startupTimeout == .seconds(5))
    #expect(set.readyHold == .seconds(6))
    #expect(set.health?.candidates == [SocketAddress(.loopback4, port: 8086)])
    #expect(set.preStop == ["a", "b c"])
    #expect(set.terminationLog == "/tmp/log")
  }

  @Test func `an option given as a flag replaces its environment variable`() throws {
    #expect(try options("--delay", "7s", variables: ["EBB_DELAY": "nonsense"]).delay == .seconds(7))
    #expect(
      try options("-e", "1", variables: ["EBB_REMAP_EXIT": "2"]).exitCodeRemaps == [ExitCodeRemap(from: 1, to: 0)])
  }

  @Test func `options end at the first argument that is not an option`() throws {
    func commandAt(_ words: String...) throws -> Int? { try invocation(words).run?.commandIndex }
    #expect(try commandAt("sh", "-c", "--delay") == 0)
    #expect(try commandAt("--", "--delay") == 1)
    #expect(try commandAt("-g", "--", "sh") == 2)
    #expect(try commandAt("-") == 0)  // a lone dash is not an option
    #expect(try commandAt("--delay", "1", "app", "--help") == 2)
  }

  @Test func `--help lists every option and command, wherever it stands before the command`() throws {
    for words in [["-h"], ["--help"], ["-g", "--help"]] {
      #expect(try invocation(words).help == RunOptions.help, "\(words)")
    }
    for words in [["-V"], ["--version"]] { #expect(try invocation(words).isVersion, "\(words)") }
    for option in RunOptions.table { #expect(RunOptions.help.contains("--\(option.spec.name)")) }
    let repeatable = RunOptions.table.count { $0.spec.repeatable }
    // One more is in the text below the options.
    #expect(RunOptions.help.components(separatedBy: "repeatable").count - 1 == repeatable + 1)
    for command in ["status", "probe", "stop", "drain", "smoke", "plan"] {
      #expect(RunOptions.help.contains(" ebb \(command) ["))
    }
    #expect(RunOptions.help.split(separator: "\n").allSatisfy { $0.utf8.count <= 100 })
  }

  @Test(arguments: [
    (["--delay", "5x", "a"], "--delay: \"5x\" is not a duration: expected e.g. 10s, 500ms or 1m30s, at most 8784h"),
    (["-t", "", "a"], "-t: \"\" is not a duration: expected e.g. 10s, 500ms or 1m30s, at most 8784h"),
    (["--stop-signals=TERM,FOO", "a"], "--stop-signals: \"TERM,FOO\" is not a signal that can be forwarded: "),
    (["--stop-signals", "KILL", "a"], "--stop-signals: \"KILL\" is not a signal that can be forwarded: "),
    (["-r", "TERM", "a"], "-r: \"TERM\" is not a rewrite: expected FROM:TO, e.g. TERM:QUIT, or HUP:0 to drop it"),
    (["-r", "CHLD:TERM", "a"], "-r: \"CHLD:TERM\" is not a signal that can be forwarded: "),
    (["-p", "99", "a"], "-p: \"99\" is not a signal: expected e.g. TERM, SIGTERM, 15 or RTMIN+3"),
    (["-e", "256", "a"], "-e: \"256\" is not a remap: expected CODE or CODE:TO, each 0 to 255, e.g. 143 or 143:0"),
    (["-e", "1:2:3", "a"], "-e: \"1:2:3\" is not a remap: expected CODE or CODE:TO, each 0 to 255, e.g. 143 or 143:0"),
    (["--log", "xml", "a"], "--log: \"xml\" is not a log format: expected text or json"),
    (["--group=maybe", "a"], "--group: \"maybe\" is not a yes or no: expected yes, true, on, 1 or no, false, off, 0"),
    (["--verbose=loud", "a"], "--verbose: \"loud\" is not a verbosity: expected yes, no or a number of 0 to 9"),
    (["--delay"], "--delay: a value is missing: expected --delay D"),
    (["-gt"], "-t: a value is missing: expected -t D"),
    (["--termination-log", "log", "a"], "--termination-log: \"log\" is not an absolute path: expected e.g. /dev/"),
    (["--termination-log=", "a"], "--termination-log: \"\" is not an absolute path: expected e.g. /dev/"),
    (["--dealy", "5s", "a"], "\"--dealy\" is not an option: did you mean --delay?"),
    (["--grace-period=1s", "a"], "\"--grace-period\" is not an option: did you mean --termination-grace-period?"),
    (
      ["--acme", "a"],
      "\"--acme\" is not an option: see ebb --help; to run a command that starts with a dash, put -- before it"
    ),
    (
      ["-x", "a"], "\"-x\" is not an option: see ebb --help; to run a command that starts with a dash, put -- before it"
    ),
    (["--delay", "a\nb\u{1B}[31m", "a"], "--delay: \"a\\nb\\u001b[31m\" is not a duration: "),
    ([], "no command given: expected ebb [OPTION...] [--] COMMAND [ARG...]; see ebb --help"),
    (["--"], "no command given: expected ebb [OPTION...] [--] COMMAND [ARG...]; see ebb --help"),
  ])
  func `an option error names the option, the value and what was expected`(_ words: [String], _ beginning: String) {
    let message = usageError(words)
    #expect(message?.prefix(beginning.count) == beginning[...])
    #expect(message?.contains("\n") == false)
  }

  @Test func `an error in an environment variable names the variable`() {
    #expect(
      usageError(["a"], variables: ["EBB_DELAY": "soon"])?.hasPrefix("EBB_DELAY: \"soon\" is not a duration") == true)
  }

  @Test func `times that do not fit are refused with their sum and the least period that fits`() throws {
    #expect(
      usageError(["--delay", "40", "app"])
        == "delay 40s, and 2s for the end, do not fit into --termination-grace-period 30s (not given): "
        + "the least that fits is 42s, with the default drain 1m1s")
    #expect(
      usageError(["--delay=20s", "--grace=10s", "-t", "30s", "app"])
        == "delay 20s + grace 10s = 30s, and 1s for the end, do not fit into --termination-grace-period 30s: "
        + "the least that fits is 31s, with the default drain 51s")
    #expect(
      usageError(["--drain-timeout=9s", "-t", "10s", "app"])
        == "drain-timeout 9s, and 2s for the end, do not fit into --termination-grace-period 10s: "
        + "the least that fits is 11s")
    #expect(
      usageError(["--delay=9s", "--drain=time", "--grace=1s", "--kill-margin=1s", "-t", "10s", "app"])
        == "delay 9s + grace 1s + kill-margin 1s = 11s do not fit into --termination-grace-period 10s: "
        + "the least that fits is 11s")
    // The least period is in whole milliseconds, and fits.
    #expect(usageError(["--delay=3s", "-t", "3s", "app"])?.contains("the least that fits is 3s750ms,") == true)
    #expect(try options("--delay=3s", "-t", "3s750ms").times.delay == .seconds(3))
  }

  @Test func `given times fit up to the exact sum, and not a millisecond beyond`() throws {
    // 10 + 10 + 9 + 1 = 30 fits exactly.
    #expect(try options("--delay=10s", "--drain-timeout=10s", "--grace=9s").grace == .seconds(9))
    #expect(
      usageError(["--delay=10s", "--drain-timeout=10s", "--grace=9001ms", "app"])?.contains(
        "the least that fits is 30s1ms")
        == true)
    // In mode time --drain-timeout does not count.
    #expect(try options("--delay=20s", "--grace=9s", "--drain=time", "--drain-timeout=20s").grace == .seconds(9))
    let none = try options("--delay=0", "--grace=0", "--kill-margin=0", "--drain-timeout=0", "-t", "0")
    #expect(none.terminationGracePeriod == .zero)
    let longest = "8784h"
    #expect(
      usageError([
        "--delay", longest, "--drain-timeout", longest, "--grace", longest, "--kill-margin", longest, "-t", longest,
        "app",
      ])?.contains("35136h") == true)
  }
}
