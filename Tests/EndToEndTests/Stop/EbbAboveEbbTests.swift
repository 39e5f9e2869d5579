import Foundation
import TestSupport
import Testing

/// The runtime's init (`--init-path`) and the image's entry point are both ebb.
@Suite(.endsItsProcesses, .mostlyWaits)
struct EbbAboveEbbTests {
  private func both(
    _ variables: [String: String], _ command: [String], in place: PIDRole = .subreaper
  ) throws -> Run {
    var setup = LaunchOptions.environment(variables)
    setup.environment["EBB_PORTS"] = nil
    let run = try Run.ready([], [Binaries.ebb(), "--"] + command, in: place, setup)
    let inner = try run.command()
    try run.waitForPage(of: inner)
    try run.waitForPage(of: try run.supervisor())
    return run
  }

  @Test(arguments: PIDRole.possible)
  func `nested ebbs keep the delay once and the app gets SIGTERM once`(place: PIDRole) throws {
    let run = try both(["EBB_DELAY": "2s", "EBB_LOG": "json"], testApp("signals"), in: place)
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(2))
    try run.expect(.code(0))
    try run.readToEnd()
    #expect(run.signals.filter { $0 == "got TERM" }.count == 1, "\(run)")
    let delays = run.events("exited").compactMap { $0["delay_ms"] as? Int }
    // The inner ebb's report comes first.
    #expect(delays.count == 2 && delays[0] >= 2000 && delays[1] == 0, "\(run)")
    let messages = try run.records().compactMap { $0["msg"] as? String }
    #expect(messages.contains { $0.contains("the command is an ebb itself") }, "\(run)")
  }

  /// nginx of an image under the runtime's init: both ebbs get the same variables.
  @Test func `nested ebbs keep the delay and rewrite the stop signal once`() throws {
    let variables = ["EBB_DELAY": "1s", "EBB_REWRITE": "TERM:QUIT"]
    let run = try both(variables, testApp("signals", "--exit-on", "QUIT:0"))
    let sent = try run.send(.sigterm)
    try run.line("got QUIT")
    #expect(Clock.now() - sent >= .seconds(1))
    try run.expect(.code(0))
  }

  @Test func `the outermost of three nested ebbs has the health port and the others log that`() throws {
    let port = try Client.freePort()
    var setup = LaunchOptions.environment(["EBB_HEALTH": "\(port)", "EBB_DELAY": "0"])
    setup.environment["EBB_PORTS"] = nil
    let ebb = try Binaries.ebb()
    let run = try Run.ready([], [ebb, "--", ebb, "--"] + testApp("signals"), in: .subreaper, setup)
    for _ in 0..<2 {
      let line = try run.line("ebb:", on: run.err)
      #expect(line.contains("belongs to the ebb above this one, pid \(run.pid):"), "\(run)")
    }
    try run.stop(.code(0))
  }

  @Test func `ebb status does not report that a nested ebb blocks SIGTERM`() throws {
    let run = try both(["EBB_DELAY": "0"], testApp("signals"))
    let status = try CommandResult.ebb("status", about: run)
    #expect(!status.out.contains("blocks SIGTERM"), "\(status)")
    try run.stop(.code(0))
  }

  @Test func `the inner one of two nested ebbs kills at the deadline and the outer one exits with its code`() throws {
    let variables = [
      "EBB_DELAY": "0", "EBB_TERMINATION_GRACE_PERIOD": "32s", "EBB_KILL_MARGIN": "30s", "EBB_LOG": "json",
    ]
    let run = try both(variables, testApp("signals", "--ignore-term"))
    let sent = try run.stop(.code(137))
    #expect(Clock.now() - sent >= .seconds(2))
    try run.readToEnd()
    let killed = run.events("exited").compactMap { $0["killed"] as? Bool }
    #expect(killed == [true, false], "\(run)")
  }

  @Test func `the outer one of two nested ebbs has the health port and the inner one logs that`() throws {
    let port = try Client.freePort()
    let run = try both(["EBB_HEALTH": "\(port)", "EBB_DELAY": "0"], testApp("signals"))
    let line = try run.line("ebb:", on: run.err)
    #expect(line.contains("event=health-above"), "\(run)")
    #expect(line.contains("belongs to the ebb above this one, pid \(run.pid)"), "\(run)")
    #expect(try Client("http://127.0.0.1:\(port)/readyz").ask().code == "200")
    try run.stop(.code(0))
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `status, probe and stop address the inner one of two nested ebbs`() throws {
    let run = try Run.ready(
      [], [Binaries.ebb(), "--"] + testApp("signals"), in: .pid1,
      .environment(["EBB_DELAY": "600s", "EBB_TERMINATION_GRACE_PERIOD": "900s"]))
    let outer = try run.supervisor()
    try run.waitForPage(of: outer)
    try run.waitForPage(of: try run.command())
    func ask(_ words: String...) throws -> CommandResult {
      try CommandResult(try PIDNamespace.start(besides: outer, [Binaries.ebb()] + words))
    }
    let before = try ask("status", "--json").json()
    #expect(before["pid"] as? Int == 2)
    #expect(try ask("stop").out.hasPrefix("delaying, not ready"))
    #expect(try ask("status", "--json").json()["phase"] as? String == "delaying")
    #expect(try ask("probe").out.hasPrefix("not ready: delaying"))
    _ = try ask("stop", "--now")
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "got TERM" }.count == 1, "\(run)")
  }

  @Test func `ebb smoke below an ebb uses another health port`() throws {
    let (health, port) = (try Client.freePort(), try Client.freePort())
    let smoke = ["smoke", "--output", "json"] + SmokeResult.short + ["--http", "http://127.0.0.1:\(port)/"]
    var setup = LaunchOptions.withTraffic
    setup.environment["EBB_HEALTH"] = "\(health)"
    let run = try Run.ebb([], [Binaries.ebb()] + smoke + ["--"] + testApp("serve", "\(port)"), setup)
    let result = try SmokeResult(run)
    #expect(result.exit == .code(0) && result.failed == [], "\(result)")
  }
}
