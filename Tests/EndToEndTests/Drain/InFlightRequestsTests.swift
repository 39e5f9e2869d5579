import Foundation
import TestSupport
import Testing

/// Requests in flight at the stop signal, as a real kernel reports them.
@Suite(.endsItsProcesses, .mostlyWaits)
struct InFlightRequestsTests {
  /// For drains that end by quiet, long after the last request.
  private let patient = ["--drain-timeout", "20s"]

  @Test(arguments: [false, true])
  func `a request of 10 s that precedes a delay of 1 s is answered before SIGTERM is forwarded`(isPatient: Bool) throws
  {
    let server = try ServedApp(["--delay", "1s"] + (isPatient ? patient : ["--drain-timeout", "10s"]))
    let client = try RawClient(server.port)
    let asked = Clock.now()
    client.send("GET /delay/10 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    try server.expectRequest()
    try server.stop()
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(10))
    // The response is complete before SIGTERM is forwarded.
    #expect(client.readToEnd().hasSuffix("\r\n\r\nok\n"))
    let report = try server.report()
    #expect(report.inFlight("at_stop") == 1, "\(report)")
    // A pod's drain timeout is one second later, which on a busy machine may be before ebb's next sample.
    if isPatient { #expect(report.drainEndedBy == "quiet" && report.inFlight("at_forward") == 0, "\(report)") }
  }

  @Test func `the drain waits for a slow response on a keep-alive connection`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "300ms"] + patient)
    let client = try RawClient(server.port)
    let asked = Clock.now()
    try server.startRequest("/delay/8", client)
    try server.stop()
    try client.expectAnswer()
    #expect(Clock.now() - asked < .seconds(28))
    // The quiet time also starts at the response, because the next request may follow. The kernel reports ages in
    // ticks, so they may be 10 ms too large.
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(8) + .milliseconds(290))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_forward") == 0, "\(report)")
  }

  @Test(.needs(.pidNamespace), .needs(.program("curl")), .needs(.program("nsenter")))
  func `the drain waits for a request that arrives during the drain`() throws {
    // In a new network namespace: if close events were missed, ebb uses the number of all connections accepted there.
    let options = ["--delay", "200ms", "--drain-quiet", "1s"] + patient
    let server = try ServedApp(options, launch: ["--network-namespace"])
    let first = try server.ask("/delay/8")
    try server.expectRequest()
    try server.stop()
    try server.run.event("draining")
    usleep(50_000)  // the kernel reports ages in clock ticks, so the request must come in a later one
    let second = try server.ask("/delay/6")
    for request in [first, second] {
      try request.expect(.code(0))
      #expect(request.out.lines == ["ok"])
    }
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report["connections_after_stop"] == 1, "\(report)")
    #expect(report["last_connection_ms"].map { $0 >= 200 } == true, "\(report)")
  }

  @Test(arguments: [200, 900])
  func `the drain waits for an upload with pauses between its parts`(pause: Int) throws {
    // With the longer pauses the missing response holds the drain, not the bytes.
    let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "500ms"] + patient)
    let client = try RawClient(server.port)
    client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 80000\r\n\r\n")
    try server.expectRequest()
    try server.stop()
    for _ in 0..<4 {
      usleep(UInt32(pause) * 1000)  // not a wait for a condition: the pause of the upload
      server.run.out.read()
      #expect(server.run.signals == [])
      client.send(String(repeating: "x", count: 20_000))
    }
    try client.expectAnswer()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
  }

  @Test func `a stream that sends each 500 ms holds the drain until its timeout`() throws {
    let server = try ServedApp(["--delay", "500ms", "--drain-timeout", "3s"])
    let client = try RawClient(server.port)
    client.ask("/stream/500")
    _ = try client.read(upTo: "tick\n\r\n")
    let sent = try server.stop()
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(3) + .milliseconds(500))
    let report = try server.report()
    #expect(report.drainEndedBy == "bound", "\(report)")
    // A stream does not count as a request in flight.
    #expect(report.inFlight("at_forward") == 0, "\(report)")
  }

  @Test func `the drain waits until a slow client has read its response`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "300ms"] + patient)
    let client = try RawClient(server.port, buffer: 4096)
    client.ask("/big/20000000")
    let classes = try server.waitForClass("response-in-flight")
    #expect(classes == ["response-in-flight": 1])
    let sent = try server.stop()
    // Not a wait for a condition: the time in which nothing may happen.
    sleep(3)
    server.run.out.read()
    #expect(server.run.signals == [])
    try client.skip(20_000_000)
    #expect(try server.timeToStopSignal(after: sent) >= .seconds(3))
    #expect(try server.report().drainEndedBy == "quiet")
  }

  @Test func `a client that never reads its response holds the drain until its timeout`() throws {
    let options = ["--delay", "200ms", "--drain-timeout", "2s", "--grace", "1s", "--drain-quiet", "300ms"]
    let report = try reportOfAKill {
      // With --ports, so that no listening socket has to be found just before the kill.
      let port = try Client.freePort()
      let server = try ServedApp(options + ["--ports", "\(port)"], command: testApp("serve", "\(port)"))
      let client = try RawClient(port, buffer: 4096)
      client.ask("/big/20000000")
      try server.waitForClass("response-in-flight")
      try server.stop()
      defer { withExtendedLifetime(client) {} }
      return try server.report(.code(137))
    }
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == 1, "\(report)")
    #expect(report.inFlight("at_kill") == 1, "\(report)")
  }

  @Test func `a request that the app does not read holds the drain until its timeout`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-timeout", "8s", "--drain-quiet", "300ms"], ["--no-read"])
    let client = try RawClient(server.port)
    client.ask()
    #expect(try server.waitForClass("unread-request") == ["unread-request": 1])
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "bound" && report.inFlight("at_forward") == 1, "\(report)")
  }

  @Test(arguments: [false, true])
  func `a connection that is not accepted holds the drain only if its client sent a request`(asks: Bool) throws {
    let server = try ServedApp(
      ["--delay", "200ms", "--drain-timeout", "8s", "--drain-quiet", "300ms"], ["--no-accept"])
    let client = try RawClient(server.port)
    if asks { client.ask() }
    let expected = asks ? "pending-accept" : "never-used"
    #expect(try server.waitForClass(expected) == [expected: 1])
    try server.stop()
    let report = try server.report()
    // A client that connects before it has a request, as a pool does, loses nothing.
    #expect(report.drainEndedBy == (asks ? "bound" : "quiet"), "\(report)")
    #expect(report.inFlight("at_forward") == (asks ? 1 : 0), "\(report)")
    _ = client
  }

  // MARK: One side closed

  @Test func `the drain waits for the response to a half-closed client`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "300ms"] + patient)
    let client = try RawClient(server.port)
    let asked = Clock.now()
    client.ask("/delay/8")
    client.closeSending()
    try server.expectRequest()
    try server.stop()
    #expect(client.readToEnd().hasSuffix("\r\n\r\nok\n"))
    #expect(try server.timeToStopSignal(after: asked) >= .seconds(8))
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 1, "\(report)")
  }

  @Test func `a half-closed client that has its response does not hold the drain`() throws {
    let server = try ServedApp(["--delay", "200ms", "--drain-quiet", "300ms"] + patient, ["--keep-half-closed"])
    let client = try RawClient(server.port)
    try client.exchange()
    client.closeSending()
    #expect(try server.waitForClass("half-closed") == ["half-closed": 1])
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_stop") == 0, "\(report)")
  }
}
