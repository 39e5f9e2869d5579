import Foundation
import TestSupport
import Testing

/// Listening sockets and client sides that are closed before the stop signal.
@Suite(.endsItsProcesses, .mostlyWaits)
struct ClosedListenersTests {
  private let patient = ["--delay", "300ms", "--drain-quiet", "500ms", "--drain-timeout", "20s"]

  /// `nginx -s quit` in a preStop hook does this.
  @Test(arguments: ["300ms", "1ms", "3ms", "5ms"])
  func `the drain waits for a request in flight after the app closed its listening socket before the stop`(
    delay: String
  ) throws {
    let port = try Client.freePort()
    // A short delay ends while the first sample is being taken.
    let server = try ServedApp(
      patient + ["--delay", delay], command: testApp("serve", "\(port)", "--close-on", "USR1"))
    let client = try RawClient(port)
    let asked = Clock.now()
    try server.startRequest("/delay/6", client)
    try server.run.send(.sigusr1)
    try server.run.line("closed")
    try server.stop()
    try client.expectAnswer()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(6))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
    #expect(server.run.events("connections").last?["ports"] as? [Int] == [port])
  }

  /// A connection to another server is not one to a closed listening socket of the command.
  @Test func `an outgoing connection of the command does not hold the drain`() throws {
    let server = try ServedApp()
    let client = testApp("connect", "\(server.port)", "1")
    let run = try Run.ebb(
      ["--log", "json", "--delay", "20s", "--drain-timeout", "1s"] + ["--grace", "1s"], client, .withTraffic)
    try run.line("connected")
    try run.send(.sigterm)
    _ = try run.exit()
    #expect(try FinalReport(run).drainEndedBy == "skipped")
  }

  @Test(arguments: ["idle", "zero"])
  func `a half-closed client keeps the drain waiting while a response streams`(mode: String) throws {
    let server = try ServedApp(
      ["--delay", "500ms", "--drain-timeout", "3s", "--drain", mode], ["--keep-half-closed"])
    let client = try RawClient(server.port)
    client.ask("/stream/200")
    _ = try client.read(upTo: "tick\n\r\n")
    client.closeSending()
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .milliseconds(3500))
    #expect(try server.report().drainEndedBy == "bound")
  }
}
