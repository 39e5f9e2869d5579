import Foundation
import TestSupport
import Testing

/// The hook of `--pre-stop`.
@Suite(.endsItsProcesses)
struct PreStopTests {
  private func preStop(_ run: Run) throws -> [String: Any] {
    // The hook's own output is on standard error too.
    let line = try #require(run.err.lines.last)
    let report = try line.jsonObject()
    return try #require(report["pre_stop"] as? [String: Any])
  }

  @Test(arguments: PIDRole.possible)
  func `the pre-stop hook runs during the delay with the command's environment and EBB_SIGNAL`(place: PIDRole) throws {
    let script = "echo \"hook $EBB_SIGNAL $X $(pwd)\"; echo other >&2; read line; exit 3"
    let folder = try TestResources.folder()
    var setup = LaunchOptions.environment(["X": "a b", "EBB_SIGNAL": "old"])
    setup.launch = ["--cwd", folder]
    let options = ["--pre-stop", "sh -c '\(script)'", "--delay", "1s", "--log", "json"]
    let run = try Run.ready(options, testApp("signals"), in: place, setup)
    let sent = try run.send(.sigterm)
    try run.line("hook TERM a b /", on: run.err)
    try run.line("other", on: run.err)
    try run.line("got TERM")
    #expect(Clock.now() - sent >= .seconds(1))
    try run.expect(.code(0))
    #expect(run.signals == ["got TERM"])
    #expect(!run.out.text.contains("hook"))
    let hook = try preStop(run)
    #expect(hook["code"] as? Int == 3)
    #expect(hook["killed"] as? Bool == false)
  }

  @Test func `the pre-stop hook has no signal blocked or ignored and only the three standard descriptors`() throws {
    let options = ["--pre-stop", "\(Binaries.testApp) report", "--delay", "1s", "--health", "\(try Client.freePort())"]
    let run = try Run.ready(options, testApp("signals"))
    try run.stop(.code(0))
    for line in ["descriptors: 0 1 2", "blocked:", "ignored:"] { #expect(run.err.lines.contains(line), "\(run)") }
  }

  @Test func `the pre-stop hook inherits the command's blocked and ignored signals`() throws {
    let options = ["--pre-stop", "\(Binaries.testApp) report", "--delay", "1s"]
    let run = try Run.ready(options, testApp("signals"), .launch("--block", "USR2", "--ignore", "PIPE"))
    try run.stop(.code(0))
    #expect(run.err.lines.contains("blocked: USR2"), "\(run)")
    #expect(run.err.lines.contains("ignored: PIPE"), "\(run)")
  }

  @Test func `the stop signal is forwarded only after the pre-stop hook has ended`() throws {
    let options = ["--pre-stop", "sleep 1", "--delay", "100ms", "--log", "json"]
    let run = try Run.ready(options, testApp("signals"))
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(1))
    try run.expect(.code(0))
    #expect(try preStop(run)["code"] as? Int == 0)
    #expect(try run.records().compactMap { $0["event"] as? String }.contains("hook-exited"))
  }

  @Test(arguments: PIDRole.possible)
  func `a pre-stop hook that does not end is killed with its children in time for the grace`(place: PIDRole) throws {
    let hook = "sh -c 'trap \"\" TERM; sleep 61 & sleep 61'"
    let options = [
      "--pre-stop", hook, "--delay", "0", "--drain-timeout", "10s", "-t", "4s", "--kill-margin", "1s", "--grace", "2s",
      "--log", "json",
    ]
    let run = try Run.ready(options, testApp("signals"), in: place)
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(1))
    try run.expect(.code(0))
    let report = try preStop(run)
    #expect(report["killed"] as? Bool == true)
    #expect(report["code"] as? Int == 137)
    #expect(try run.report()["drain_ended_by"] as? String == "bound")
  }

  @Test func `a pre-stop hook that cannot be started gives a warning`() throws {
    let run = try Run.ready(["--pre-stop", "/does/not/exist", "--delay", "0", "--log", "json"], testApp("signals"))
    try run.stop(.code(0))
    let records = try run.records()
    let failure = try #require(records.first { $0["event"] as? String == "hook-failed" })
    #expect(failure["level"] as? String == "warning")
    #expect(try preStop(run)["code"] as? Int == 127)
    let events = records.compactMap { $0["event"] as? String }
    #expect(events == ["stop-signal", "hook-failed", "stopping", "exited"] || events.contains("draining"), "\(run)")
  }

  @Test func `the pre-stop hook does not run without a stop`() throws {
    let folder = try TestResources.folder()
    try Run.ebb(["--pre-stop", "touch \(folder)/ran"], testApp("exit", "4")).expect(.code(4))
    #expect(!FileManager.default.fileExists(atPath: folder + "/ran"))
  }

  @Test func `the command's exit does not wait for the pre-stop hook`() throws {
    let options = ["--pre-stop", "sleep 61", "--delay", "20s", "--log", "json"]
    let run = try Run.ready(options, testApp("signals", "--exit-on", "USR1:5"))
    let sent = try run.send(.sigterm)
    try run.line("{", on: run.err)
    try run.send(.sigusr1)
    try run.expect(.code(5))
    #expect(Clock.now() - sent < .seconds(15))
    #expect(try preStop(run)["signal"] as? String == "TERM")
  }
}
