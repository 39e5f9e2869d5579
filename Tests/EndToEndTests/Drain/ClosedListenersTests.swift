import Foundation
import Testing

/// What has been closed already when the stop signal comes: a listening socket, a client's side.
@Suite(.endsItsProcesses, .mostlyWaits)
struct ClosedListenersTests {
  private let patient = ["--delay", "300ms", "--drain-quiet", "500ms", "--drain-timeout", "20s"]

  /// As `nginx -s quit` in a preStop hook does.
  @Test(arguments: ["300ms", "1ms", "3ms", "5ms"])
  func `the drain waits for a request in flight after the app closed its listening socket before the stop`(
    delay: String
  ) throws {
    let port = try Client.freePort()
    // With the short ones the first look is given up at some moment.
    let server = try ServedApp(
      patient + ["--delay", delay], command: testApp("serve", "\(port)", "--close-on", "USR1"))
    let client = try RawClient(port)
    let asked = Clock.now()
    client.ask("/delay/6")
    try server.expectRequest()
    try server.run.send(.sigusr1)
    try server.run.line("closed")
    try server.stop()
    try client.expectAnswer()
    #expect(try server.toldToStop(after: asked) >= .seconds(6))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
    #expect(try server.records("connections").last?["ports"] as? [Int] == [port])
  }

  /// A client's connection is none of a listening socket that has been closed.
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
    #expect(try server.toldToStop(after: sent) >= .milliseconds(3500))
    #expect(try server.report().drainEndedBy == "bound")
  }
}
