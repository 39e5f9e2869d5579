import Testing

@testable import Primitives
@testable import Supervision

/// Parses the arguments and variables as `main` does.
private func run(
  _ other: OtherInit, _ words: [String], _ variables: [String: String] = [:]
) throws -> (options: RunOptions, command: [String]) {
  let arranged = other.arrangement(of: words, isPosix: false).map { words[$0] }
  let hasOwn = variables.keys.contains { $0.hasPrefix("EBB_") }
  let invocation = try parse(arguments: arranged, as: other, variable: { variables[$0] }, hasOwnVariables: hasOwn)
  guard let run = invocation.run else { throw UsageError(message: "not a run") }
  return (run.options, Array(arranged[run.commandIndex...]))
}

private func code(_ other: OtherInit, _ words: [String], _ variables: [String: String] = [:]) -> Int? {
  do {
    _ = try run(other, words, variables)
    return nil
  } catch { return (error as? UsageError)?.code }
}

/// ebb, called by another init's name.
@Suite struct OtherInitTests {
  @Test func `the last part of argv[0] selects the init whose place ebb takes`() {
    let names: [(String, OtherInit)] = [
      ("tini", .tini), ("/usr/bin/tini", .tini), ("./tini-static", .tini), ("/sbin/docker-init", .tini),
      ("dumb-init", .dumbInit), ("/usr/local/bin/dumb-init", .dumbInit), ("catatonit", .catatonit),
      ("/run/podman-init", .catatonit),
    ]
    for (path, program) in names { #expect(OtherInit(path: path) == program, "\(path)") }
    for path in ["ebb", "/ebb", "", "/", "tini/", "/tini/ebb", "tinis", "tin", "Tini", "podman", "-tini"] {
      #expect(OtherInit(path: path) == nil, "\(path)")
    }
  }

  @Test func `tini's and catatonit's arguments are reordered as getopt does it, dumb-init's are not`() {
    func order(_ other: OtherInit, _ words: String..., isPosix: Bool = false) -> [String] {
      other.arrangement(of: words, isPosix: isPosix).map { words[$0] }
    }
    #expect(order(.tini, "sh", "--", "-c", "x") == ["--", "sh", "-c", "x"])
    #expect(order(.tini, "a", "-g", "b", "-e", "3", "--", "-s", "--") == ["-g", "-e", "3", "--", "a", "b", "-s", "--"])
    #expect(order(.tini, "a", "-gp", "--", "b", "-") == ["-gp", "--", "a", "b", "-"])
    #expect(order(.tini, "a", "-e3", "b") == ["-e3", "a", "b"])
    #expect(order(.tini, "a", "-p") == ["-p", "a"])
    #expect(order(.tini, "a", "-g", isPosix: true) == ["a", "-g"])
    #expect(order(.catatonit, "a", "-g", "-e", "3") == ["-g", "-e", "a", "3"])
    #expect(order(.dumbInit, "a", "-c", "--", "b") == ["a", "-c", "--", "b"])
  }

  @Test func `reordering loses no argument of another init's command line`() {
    let words = ["-", "--", "-g", "-e", "-p", "-gp", "x", "", "--version", "-ep"]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let line = (0..<Int.random(in: 0...6, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
      for other in [OtherInit.tini, .dumbInit, .catatonit] {
        #expect(other.arrangement(of: line, isPosix: false).sorted() == Array(line.indices), "\(line)")
        _ = code(other, line, ["EBB_DELAY": "1s"])
      }
    }
  }

  @Test(arguments: [OtherInit.tini, .dumbInit, .catatonit])
  func `under another init's name ebb wakes for four variables, if not empty, and for no other`(other: OtherInit) throws
  {
    let values = [
      "EBB_DELAY": "1s", "EBB_DRAIN": "zero", "EBB_TERMINATION_GRACE_PERIOD": "40s", "EBB_HEALTH": "8086",
    ]
    for (name, value) in values {
      #expect(try run(other, ["app"], [name: value]).options.asleep == nil, "\(name)")
      #expect(try run(other, ["app"], [name: ""]).options.asleep != nil, "\(name)")
    }
    let others = ["EBB_LOG": "json", "EBB_GRACE": "3s", "EBB_PORTS": "80", "EBB_PRE_STOP": "x", "EBB_VERBOSE": "2"]
    let asleep = try run(other, ["app"], others).options
    #expect(asleep.asleep != nil)
    #expect(asleep.stopSignals == SignalSet())
    #expect(!asleep.recognisesServers)
    // Not even a wrong value is an error.
    #expect(asleep.grace == nil)
    #expect(asleep.ports == nil)
    #expect(asleep.preStop.isEmpty)
    #expect(asleep.logFormat == .text)
    #expect(code(other, ["app"], ["EBB_GRACE": "soon"]) == nil)
    let awake = try run(other, ["app"], others.merging(values) { $1 }).options
    #expect(awake.grace == .seconds(3))
    #expect(awake.ports?.map { $0.number } == [80])
    #expect(awake.logFormat == .json)
    #expect(awake.drain == .zero)
    #expect(awake.stopSignals == SignalSet([.sigterm]))
    #expect(awake.neverForwarded == .neverForwarded)
  }

  @Test func `under another init's name a usage error exits with 1 asleep and 125 awake`() {
    for other in [OtherInit.tini, .dumbInit, .catatonit] {
      #expect(code(other, ["-x", "app"]) == 1)
      #expect(code(other, []) == 1)
      #expect(code(other, [], ["EBB_DELAY": "1s"]) == ExitCode.ownFailure)
      #expect(code(other, ["app"], ["EBB_DELAY": "60s", "EBB_DRAIN": "time"]) == ExitCode.ownFailure)
    }
  }

  @Test func `under another init's name an awake ebb combines that init's options with its own variables`() throws {
    let waking = ["EBB_DELAY": "1s"]
    let tini = try run(.tini, ["app", "-sgwvv", "-p", "SIGHUP", "-e", "3", "-e4", "--", "-x"], waking)
    #expect(tini.command == ["app", "-x"])
    #expect(tini.options.targetsProcessGroup)
    #expect(tini.options.logsReapedOrphans)
    #expect(tini.options.verbosity == 2)
    #expect(tini.options.parentDeathSignal == .sighup)
    #expect(tini.options.exitCodeRemaps == [ExitCodeRemap(from: 3, to: 0), ExitCodeRemap(from: 4, to: 0)])
    func verbosity(_ text: String) throws -> Int {
      try run(.tini, ["-v", "app"], ["EBB_DELAY": "1s", "TINI_VERBOSITY": text]).options.verbosity
    }
    #expect(try [verbosity("0"), verbosity("1"), verbosity("3"), verbosity("x")] == [-1, 0, 2, -1])

    let session = try run(.dumbInit, ["-v", "-r", "15:3", "-r", "11:2", "app", "-c"], waking)
    #expect(session.command == ["app", "-c"])
    #expect(session.options.newSession)
    #expect(session.options.targetsProcessGroup)
    #expect(session.options.verbosity == 1)
    #expect(session.options.rewrites.apply(to: .sigterm) == .sigquit)
    #expect(session.options.rewrites.apply(to: .sigtstp) == .sigtstp)
    let child = try run(.dumbInit, ["--single-child", "app"], waking).options
    #expect(!child.newSession)
    #expect(!child.targetsProcessGroup)
    #expect(try run(.catatonit, ["-g", "app"], waking).options.targetsProcessGroup)
    // A flag replaces its variable.
    let both = ["EBB_DELAY": "1s", "EBB_GROUP": "no", "EBB_SESSION": "no", "EBB_REWRITE": "TERM:INT"]
    #expect(try run(.tini, ["-g", "app"], both).options.targetsProcessGroup)
    #expect(try run(.dumbInit, ["-r", "15:3", "app"], both).options.rewrites.apply(to: .sigterm) == .sigquit)
    #expect(try run(.tini, ["app"], both).options.rewrites.apply(to: .sigterm) == .sigint)
  }

  @Test func `asleep a command that does not start gives the exit code of the init whose place ebb takes`() throws {
    let failures = [(127, 2), (126, 2), (126, 13), (126, 21), (127, 20), (126, 8), (125, 11)].map {
      SpawnFailure(code: $0.0, message: "", error: Int32($0.1))
    }
    let expected: [(OtherInit, [Int])] = [
      (.tini, [127, 127, 126, 126, 1, 1, 1]), (.dumbInit, [2, 2, 2, 2, 2, 2, 1]), (.catatonit, [1, 1, 1, 1, 1, 1, 1]),
    ]
    for (other, codes) in expected {
      let asleep = try #require(try run(other, ["app"]).options.asleep)
      #expect(failures.map { asleep.exitCode(of: $0) } == codes, "\(other)")
    }
  }

  @Test func `asleep the status says that ebb begins no stop of its own`() throws {
    let options = try run(.dumbInit, ["-r", "15:3", "app"]).options
    let fields = SupervisorInfo(pid: 1, startedAt: Instant(nanoseconds: 0), argv: ["app"], options: options)
    let status = Status(info: fields, snapshot: StatusSnapshot(since: Instant(nanoseconds: 0)))
    #expect(fields.isAsleep)
    #expect(fields.forwardsAs == .sigquit)
    let text = status.text(pid: 1, processes: [], at: Instant(nanoseconds: 0))
    #expect(text.contains("stop      none of its own: in the place of another init ebb only forwards signals\n"))
    let json = String(
      decoding: status.json(pid: 1, processes: nil, at: Instant(nanoseconds: 0)), as: UTF8.self)
    #expect(json.contains("\"plan\":null"), "\(json)")
  }
}
