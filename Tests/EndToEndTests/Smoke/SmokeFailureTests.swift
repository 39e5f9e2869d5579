import Foundation
import TestSupport
import Testing

/// `ebb smoke` with commands that stop badly: it fails and names the fault.
@Suite(.endsItsProcesses)
struct SmokeFailureTests {
  @Test func `ebb smoke fails if the command ignores SIGTERM`() throws {
    let smoke = try SmokeResult(
      ["-t", "5s", "--kill-margin", "3s", "--drain", "time"], testApp("stay", "--ignore", "TERM"))
    #expect(smoke.exit == .code(1), "\(smoke)")
    #expect(smoke.failed == ["stop-signal-handled", "exited-within-grace", "exit-code"], "\(smoke)")
    #expect(
      try smoke.detail("stop-signal-handled").hasSuffix("`TestApp` ignores SIGTERM and will be killed at the deadline"))
    #expect(try smoke.number("exit", "code") == 137)
  }

  @Test(arguments: PIDRole.possible)
  func `ebb smoke fails if a shell dies of SIGTERM and leaves its child`(place: PIDRole) throws {
    let port = try Client.freePort()
    let script = "\(Binaries.testApp) serve \(port); true"
    let smoke = try SmokeResult(["--http", "http://127.0.0.1:\(port)/"], ["/bin/sh", "-c", script], in: place)
    #expect(smoke.exit == .code(1) && smoke.failed == ["stop-signal-handled", "no-leftovers"], "\(smoke)")
    #expect(
      try smoke.detail("stop-signal-handled").contains(
        "`sh` dies of SIGTERM immediately and does not wait for its children, whose exit code is lost: use exec; pid "))
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke fails if a request in flight is lost`() throws {
    let server = try PythonServer()
    let options = ["--http", server.url, "--slow", server.url + "slow", "--delay", "0", "--drain", "time"]
    let smoke = try SmokeResult(options, server.command)
    #expect(smoke.exit == .code(1) && smoke.failed.contains("slow-request-answered"), "\(smoke)")
    #expect(
      try smoke.detail("stop-signal-handled").contains("`python3` has no handler for SIGTERM and died immediately"))
    #expect(try smoke.detail("exit-code") == "143: died of SIGTERM")
    #expect(try smoke.number("requests", "failed") >= 1)
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke fails if the delay is shorter than the load balancer's lag`() throws {
    let server = try PythonServer("graceful")
    let smoke = try SmokeResult(
      ["--http", server.url, "--delay", "0", "--drain", "time", "--lag", "3s", "-q"], server.command)
    #expect(smoke.exit == .code(1) && smoke.failed.contains("delay-sufficient"), "\(smoke)")
    #expect(try smoke.detail("delay-sufficient").hasSuffix("use --delay 3s or more"))
    #expect(try smoke.number("requests", "failed") >= 5)
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke fails if every response is an error`() throws {
    let server = try PythonServer("bad", "graceful")
    let smoke = try SmokeResult(
      ["--http", server.url, "--ready-tcp", "\(server.port)", "--delay", "2s"], server.command)
    #expect(
      smoke.exit == .code(1)
        && smoke.failed == ["no-failed-requests-before-stop", "no-failed-requests-during-delay"], "\(smoke)")
    #expect(try smoke.detail("no-failed-requests-before-stop").contains(" failed, the first: 500 "))
    #expect(try smoke.number("requests", "failed") == smoke.number("requests", "total"))
  }

  @Test(arguments: [
    (["leave", "2", "--on", "TERM"], "15s", ""),
    (["leave", "2", "--on", "TERM", "--ignore-term"], "300ms", ", which had to be killed"),
  ])
  func `ebb smoke fails if the command exits before its descendants`(words: [String], timeout: String, end: String)
    throws
  {
    let smoke = try SmokeResult(["--leftover-timeout", timeout], [Binaries.testApp] + words)
    #expect(smoke.exit == .code(1) && smoke.failed == ["no-leftovers"], "\(smoke)")
    let detail = try smoke.detail("no-leftovers")
    #expect(detail.hasPrefix("the command exited before its descendants (pid "), "\(detail)")
    #expect(detail.contains("`TestApp` and 1 more)\(end): it must"), "\(detail)")
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke fails if the command leaves a zombie`() throws {
    let python = try #require(installedPath(of: "python3"))
    let smoke = try SmokeResult(
      ["--duration", "6s"], [python, "-c", "import os, time; os.fork() or os._exit(0); time.sleep(600)"])
    #expect(smoke.exit == .code(1) && smoke.failed == ["no-zombies"], "\(smoke)")
  }

  @Test func `ebb smoke fails if another process still listens on the port`() throws {
    let other = try LoopbackSocket()
    let smoke = try SmokeResult(["--tcp", "\(other.port)"], testApp("signals"))
    #expect(smoke.exit == .code(1) && smoke.failed == ["listener-closed"], "\(smoke)")
    #expect(try smoke.detail("listener-closed").hasPrefix("something still listens on port \(other.port)"))
  }

  @Test func `ebb smoke fails if the command exits before the stop signal`() throws {
    let smoke = try SmokeResult(["--duration", "60s"], ["/bin/sh", "-c", "sleep 3; exit 3"])
    #expect(smoke.exit == .code(1) && smoke.failed == ["stop-signal-handled"], "\(smoke)")
    #expect(try smoke.detail("stop-signal-handled") == "the command exited with 3 by itself, before the stop signal")
  }

  @Test func `ebb smoke fails if the command is not ready in time`() throws {
    let port = try Client.freePort()
    let silent = try SmokeResult(["--tcp", "\(port)", "--startup-timeout", "1s"], testApp("stay"))
    #expect(silent.exit == .code(1) && silent.failed == ["ready-in-time"] && silent.skipped.count == 11, "\(silent)")
    #expect(try silent.detail("ready-in-time") == "it was not ready within 1s: refused")
    let asked = try SmokeResult(["--ready-tcp", "\(port)", "--startup-timeout", "1s"], testApp("stay"))
    #expect(try asked.detail("ready-in-time") == "it was not ready within 1s", "\(asked)")
    #expect(asked.exit == .code(1))
    #expect(asked.failed == ["ready-in-time"])
    let gone = try SmokeResult(["--tcp", "\(port)"], testApp("exit", "3"))
    #expect(try gone.detail("ready-in-time") == "the command exited with 3 before it was ready", "\(gone)")
    #expect(gone.exit == .code(1))
  }

  @Test func `ebb smoke ends a supervisor that does not exit`() throws {
    let options =
      ["smoke", "--output", "json"] + SmokeResult.short + [
        "-t", "6s", "--delay", "4s", "--drain", "time", "--ports", "1",
      ]
    let run = try Run.ebb(options, testApp("signals"))
    try run.line("ebb: ", on: run.err)
    let supervisor = try run.command()
    kill(supervisor, SIGSTOP)
    let smoke = try SmokeResult(run)
    #expect(smoke.exit == .code(1) && smoke.failed.contains("exited-within-grace"), "\(smoke)")
    #expect(try smoke.detail("exited-within-grace").hasPrefix("still running after --termination-grace-period 6s"))
  }
}

/// `ebb smoke` that cannot run or is ended by a signal.
@Suite(.endsItsProcesses)
struct SmokeEndTests {
  private func expect(
    _ message: String, _ options: [String], _ command: [String], _ setup: LaunchOptions = .withTraffic,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let run = try Run.ebb(["smoke"] + options, command, setup)
    try run.expect(.code(125), sourceLocation: sourceLocation)
    try run.readToEnd()
    #expect(run.out.text == "" && run.err.lines.last == "ebb: " + message, "\(run)", sourceLocation: sourceLocation)
  }

  @Test func `ebb smoke exits with 125 and names the cause if it cannot run`() throws {
    let nothing = "smoke: the command did not start"
    try expect(nothing, [], ["/does/not/exist"])
    try expect(nothing, ["--health", "192.0.2.1:1"], testApp("signals"))
    try expect("cannot write \"/does/not/exist\": No such file or directory", ["--output=tap:/does/not/exist"], ["x"])
    try expect("smoke: --rate: \"x\" is not a rate: expected 1 to 1000", ["--rate", "x"], ["x"])
  }

  @Test(.needs(.pidNamespace))
  func `ebb smoke exits with 125 without /proc`() throws {
    try expect(
      "smoke: cannot inspect the supervisor: /proc is not mounted, or belongs to another PID namespace", [],
      testApp("signals"), LaunchOptions(launch: ["--pid-namespace-without-proc"]))
  }

  @Test(arguments: PIDRole.possible, [Signal.sigint, .sigterm])
  func `a signal to ebb smoke ends every process of the run`(place: PIDRole, signal: Signal) throws {
    let run = try Run.ebb(["smoke", "--duration", "60s"], testApp("signals", "--with-child"), in: place)
    try run.line("child ready", on: run.err)
    try run.send(signal)
    try run.expect(.code(125))
    try run.readToEnd()
    #expect(run.err.lines.last == "ebb: ended by SIG\(signal): all processes of the run have been stopped", "\(run)")
    #expect(!run.err.lines.contains("got TERM") && run.out.text == "", "\(run)")
  }

  @Test func `killing ebb smoke also stops the supervisor it started`() throws {
    let run = try Run.ebb(["smoke", "--duration", "60s"], testApp("signals"))
    try run.line("ready", on: run.err)
    try run.send(.sigkill)
    try run.expect(.signal(SIGKILL))
    try run.readToEnd()
    #expect(run.err.lines.contains("got TERM"), "\(run)")
  }
}

/// The report formats as other programs read them.
@Suite(.endsItsProcesses)
struct SmokeOutputTests {
  private func report(_ format: String) throws -> (path: String, run: Run) {
    let folder = try TestResources.folder()
    let program = folder + "/a<&\"'>#b"
    try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: Binaries.testApp)
    let path = "\(folder)/report:1"
    let run = try Run.ebb(
      ["smoke", "-q", "--output", "\(format):\(path)"] + SmokeResult.short,
      [program, "signals", "--exit-on", "TERM:3"],
      .withTraffic)
    try run.expect(.code(1))
    #expect(run.out.lines.last == "FAILED: 6 checks passed, 1 failed, 5 skipped", "\(run)")
    return (path, run)
  }

  private func python(_ script: String, _ path: String) throws -> [String] {
    let run = try Run.program([try #require(installedPath(of: "python3")), "-c", script, path])
    try run.expect(.code(0))
    return run.out.lines
  }

  @Test(.needs(.program("python3")))
  func `the JUnit report of ebb smoke is valid XML with one case for each check`() throws {
    let script = """
      import sys, xml.etree.ElementTree as tree
      suite = tree.parse(sys.argv[1]).getroot()[0]
      print(suite.get("tests"), suite.get("failures"), suite.get("skipped"))
      for case in suite: print(case.get("name"), [child.tag for child in case][0])
      print(suite[4][0].text)
      """
    let lines = try python(script, try report("junit").path)
    #expect(lines.first == "12 1 5")
    try #require(lines.count == 14)
    #expect(lines[1] == "ready-in-time system-out")
    #expect(lines[7] == "exit-code failure")
    #expect(lines[4].hasSuffix(" skipped"))
    #expect(lines[13].contains("`a<&\"'>#b` got SIGTERM"), "\(lines)")
  }

  @Test(.needs(.program("python3")))
  func `the JSON report of ebb smoke is valid JSON with every check`() throws {
    let script = """
      import json, sys
      report = json.load(open(sys.argv[1]))
      print(report["passed"], report["requests"]["total"], report["exit"]["code"], len(report["checks"]))
      print([check["detail"] for check in report["checks"] if check["name"] == "stop-signal-handled"][0])
      """
    let lines = try python(script, try report("json").path)
    #expect(lines[0] == "False 0 3 12" && lines[1].contains("`a<&\"'>#b` got SIGTERM"), "\(lines)")
  }

  @Test func `the TAP report of ebb smoke has a plan and a line for each check`() throws {
    let lines = try String(contentsOfFile: try report("tap").path, encoding: .utf8).split(separator: "\n")
    #expect(lines.first == "TAP version 13")
    #expect(lines.dropFirst().first == "1..12")
    try #require(lines.count == 14)
    for (number, line) in lines.dropFirst(2).enumerated() {
      #expect(line.wholeMatch(of: /(not )?ok [0-9]+ - [a-z-]+(: [^#]*(\\#)?[^#]*| # SKIP .*)/) != nil, "\(line)")
      #expect(line.contains("ok \(number + 1) - "))
    }
    #expect(lines[6].contains("`a<&\"'>\\#b` got SIGTERM"), "\(lines[6])")
  }
}
