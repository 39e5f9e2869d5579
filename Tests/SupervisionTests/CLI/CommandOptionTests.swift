import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// The options of the ebb commands.
@Suite struct CommandOptionTests {
  private func read(_ words: String...) throws -> Invocation {
    // `kubectl exec` hands the container's variables on; they are for the supervisor alone.
    try parse(arguments: words, variable: { _ in "nonsense" })
  }

  @Test func `ebb status takes --json, --watch and --pid, all off by default`() throws {
    let standard = try #require(try read("status").status)
    #expect(!standard.json)
    #expect(!standard.watch)
    #expect(standard.pid == nil)
    let all = try #require(try read("status", "--json", "--watch", "--pid=12").status)
    #expect(all.json)
    #expect(all.watch)
    #expect(all.pid == 12)
  }

  @Test func `ebb stop takes --now, --wait and --pid, all off by default`() throws {
    let standard = try #require(try read("stop").stop)
    #expect(!standard.now)
    #expect(!standard.wait)
    #expect(standard.pid == nil)
    let all = try #require(try read("stop", "--now", "--wait", "--pid", "1").stop)
    #expect(all.now)
    #expect(all.wait)
    #expect(all.pid == 1)
  }

  @Test func `ebb probe takes checks, headers, --timeout and --live`() throws {
    let standard = try #require(try read("probe").probe)
    #expect(standard.checks.isEmpty)
    #expect(standard.timeout == .seconds(1))
    #expect(!standard.live)
    let words = [
      "--tcp", "80", "--http=http://[::1]:8080/x?y", "--header", "A: b", "--header", "C:d", "--timeout", "300ms",
      "--live",
    ]
    let all = try #require(try invocation(["probe"] + words).probe)
    #expect(all.checks.count == 2)
    #expect(all.headers == ["A: b", "C:d"])
    #expect(all.timeout == .milliseconds(300))
    #expect(all.live)
  }

  @Test(arguments: ["status", "stop", "probe", "smoke"])
  func `after -- the name of an ebb command is a program to run`(_ name: String) throws {
    #expect(try invocation(["--", name]).run?.commandIndex == 1)
  }

  @Test(arguments: [
    (
      ["status", "x"],
      "status: \"x\" is not an option: see ebb status --help; to run a program called status: ebb -- status"
    ),
    (["status", "--pid"], "status: --pid: a value is missing: expected --pid N"),
    (["stop", "--pid", "0"], "stop: --pid: \"0\" is not a pid: expected a number from 1 on"),
    (["stop", "--pid", "99999999999"], "stop: --pid: \"99999999999\" is not a pid"),
    (
      ["drain", "--ports", "80,8080/tcp"],
      "drain: --ports: \"80,8080/tcp\" is not a list of ports: expected PORT or PORT=PROTOCOL (http"
    ),
    (["probe", "--tcp", "65536"], "probe: --tcp: \"65536\" is not a port: expected 1 to 65535"),
    (
      ["probe", "--http", "ftp://localhost/"], "probe: --http: \"ftp://localhost/\" is not a URL that ebb can ask: "
    ),
    (
      ["probe", "--http", "HTTPS://localhost/"],
      "probe: --http: \"HTTPS://localhost/\" needs TLS, which ebb does not speak"
    ),
    (["probe", "--header", "A: b"], "probe: --header needs --http"),
    (
      ["probe", "--http", "http://localhost/", "--header", "A: b\r\nC: d"],
      "probe: --header: \"A: b\\u000d\\nC: d\" is not a header"
    ),
    (["probe", "--timeout", "soon"], "probe: --timeout: \"soon\" is not a duration: "),
    (["smoke"], "smoke: no command given: expected ebb smoke [OPTION...] [--] COMMAND [ARG...]"),
    (["smoke", "--rate", "0", "a"], "smoke: --rate: \"0\" is not a rate: expected 1 to 1000"),
    (["smoke", "--rate", "1001", "a"], "smoke: --rate: \"1001\" is not a rate"),
    (
      ["smoke", "--output", "xml", "a"], "smoke: --output: \"xml\" is not an output: expected text, json, tap or junit"
    ),
    (["smoke", "--output=junit=x", "a"], "smoke: --output: \"junit=x\" is not an output"),
    (["smoke", "--expect-exit", "256", "a"], "smoke: --expect-exit: \"256\" is not an exit code"),
    (
      ["smoke", "--slow", "https://localhost/", "a"],
      "smoke: --slow: \"https://localhost/\" needs TLS, which ebb does not speak: use a plain HTTP port"
    ),
    (["smoke", "--delay", "soon", "a"], "smoke: --delay: \"soon\" is not a duration"),
    (["smoke", "--delay", "29s", "a"], "smoke: delay 29s, and 2s for the end, do not fit"),
    (["smoke", "--lag", "31s", "--tcp=1", "a"], "smoke: --lag 31s is longer than --termination-grace-period 30s"),
    (["smoke", "--lag", "1s", "a"], "smoke: --lag needs --http or --tcp"),
    (
      ["smoke", "--json", "a"],
      "smoke: \"--json\" is not an option: see ebb smoke --help; to run a command that starts with a dash, put -- before it"
    ),
  ])
  func `an error in an ebb command's options names the command, the option and what was expected`(
    _ words: [String], _ message: String
  ) {
    #expect(usageError(words)?.prefix(message.count) == message[...])
  }

  @Test(arguments: ["status", "stop", "probe", "drain", "plan"])
  func `an unknown option of an ebb command refers to that command's --help`(_ name: String) {
    #expect(usageError([name, "--nope"]) == "\(name): \"--nope\" is not an option: see ebb \(name) --help")
  }

  @Test(arguments: [
    ("status", "--pid N"), ("stop", "--pid N"), ("probe", "--pid N"), ("drain", "--drain-quiet D"),
    ("smoke", "--output FORMAT[:FILE]"), ("plan", "--json"),
  ])
  func `--help and -V work for each ebb command`(_ name: String, _ option: String) throws {
    let text = try #require(try invocation([name, "--help"]).help)
    #expect(text.hasPrefix("ebb \(name): "))
    #expect(text.contains(option))
    #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= (name == "smoke" ? 104 : 100) }, "\(text)")
    #expect(try invocation([name, "-V"]).isVersion)
  }

  @Test func `a probe fails outside the serving phase, and a liveness probe queries a serving command only`() {
    var status = Status.example
    let now = Instant.at(81_200)
    #expect(status.objection(live: false, at: now) == "delaying, the stop began 1.2s ago")
    #expect(status.objection(live: true, at: now) == nil)
    status.snapshot.readyUntil = .at(81_201)
    #expect(status.objection(live: false, at: now) == nil)
    (status.snapshot.readyUntil, status.snapshot.stop, status.snapshot.phase) = (nil, nil, .starting)
    #expect(status.objection(live: false, at: now) == "starting")
    #expect(!status.asksCommand(live: true))
    #expect(status.asksCommand(live: false))
    status.snapshot.phase = .draining
    #expect(status.asksCommand(live: true))
    status.snapshot.phase = .stopping
    #expect(!status.asksCommand(live: true))
  }
}
