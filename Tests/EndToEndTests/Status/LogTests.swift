import Foundation
import TestSupport
import Testing

/// The log on standard error, which never blocks ebb.
@Suite(.endsItsProcesses)
struct LogTests {
  // MARK: Lines

  @Test func `the text log has a line for each step of a stop and the report last`() throws {
    let run = try Run.ready(["--delay", "200ms"], testApp("signals"))
    try run.stop(.code(0))
    for line in run.err.lines {
      let form = /ebb: time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=[a-z]+ event=[a-z-]+ (\S+=\S+ )*msg=".*"/
      #expect(try form.wholeMatch(in: line) != nil, "\(line)")
    }
    let events = try run.err.lines.map { try $0.field("event") }
    // The record about the count of connections may come at any point.
    #expect(events.filter { $0 != "connections" } == ["stop-signal", "delaying", "stopping", "exited"])
    #expect(try run.err.lines.last?.number("code") == 0)
  }

  @Test func `the JSON log has an object for each step of a stop and the report has its documented keys`() throws {
    let run = try Run.ready(["--log", "json", "--delay", "300ms"], testApp("signals", "--slow", "400"))
    try run.stop(.code(0))
    let records = try run.records()
    let events = records.compactMap { $0["event"] as? String }
    #expect(events.filter { $0 != "connections" } == ["stop-signal", "delaying", "stopping", "exited"])
    for record in records {
      let time = try #require(record["time"] as? String)
      #expect(try /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.wholeMatch(in: time) != nil)
      #expect(record["level"] as? String == "info")
    }
    let report = try run.report()
    #expect(report["code"] as? Int == 0)
    #expect(report["signal"] is NSNull)
    #expect(report["killed"] as? Bool == false)
    #expect(report["stop_signal"] as? String == "TERM")
    #expect(try #require(report["delay_ms"] as? Int) >= 300)
    #expect(try #require(report["stop_ms"] as? Int) >= 400)
    #expect(report["drain_ended_by"] is NSNull)
    #expect(report["reaped"] as? Int == 0)
  }

  @Test func `log times are wall clock times in UTC`() throws {
    let before = Date()
    let run = try Run.ready(["--log", "json", "--delay", "0"], testApp("signals"), .environment(["TZ": "Asia/Tokyo"]))
    try run.stop(.code(0))
    let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let records = try run.records()
    #expect(!records.isEmpty)
    for record in records {
      let time = try format.parse(try #require(record["time"] as? String))
      // The log has milliseconds, the clock a finer resolution.
      #expect(time >= before - 0.001)
      #expect(time <= Date())
    }
  }

  @Test func `the report distinguishes a kill at the deadline from another kill`() throws {
    let run = try Run.ready(["--log", "json", "--delay", "0", "--grace", "500ms"], testApp("stay", "--ignore", "TERM"))
    try run.stop(.code(137))
    #expect(!run.events("killing").isEmpty)
    let report = try run.report()
    #expect(report["killed"] as? Bool == true)
    #expect(report["signal"] as? String == "KILL")
    #expect(report["code"] as? Int == 137)

    let other = try Run.ebb(["--log", "json", "-v"], testApp("kill-self", "KILL"))
    try other.expect(.code(137))
    #expect(try other.report()["killed"] as? Bool == false)
  }

  @Test func `the report names the event that ended the delay`() throws {
    let run = try Run.ready(["--log", "json", "--delay", "20s"], testApp("signals", "--exit-on", "USR1:0"))
    try run.send(.sigterm)
    try run.line("{", on: run.err)
    try run.send(.sigusr1)
    try run.expect(.code(0))
    let report = try run.report()
    #expect(try #require(report["delay_ms"] as? Int) < 20_000)
    #expect(report["stop_ms"] is NSNull)
    #expect(report["delay_ended_by"] as? String == "exit")
  }

  // MARK: Levels

  @Test func `--quiet logs nothing about a clean stop but logs a kill`() throws {
    let clean = try Run.ready(["-q", "--delay", "0"], testApp("signals"))
    try clean.stop(.code(0))
    #expect(clean.err.text == "")

    let killed = try Run.ready(["--quiet", "--delay", "0", "--grace", "200ms"], testApp("signals", "--ignore-term"))
    try killed.stop(.code(137))
    #expect(killed.err.lines.contains { $0.contains("event=killing") })
  }

  @Test func `--verbose logs the exit without a stop`() throws {
    let run = try Run.ebb(["-v"], testApp("exit", "3"))
    try run.expect(.code(3))
    #expect(run.err.lines.last?.contains("event=exited") == true)
  }

  @Test func `-vv logs each forwarded signal`() throws {
    let run = try Run.ready(["-vv", "-r", "HUP:USR2"], testApp("signals"))
    try run.send(.sighup)
    try run.line("got USR2")
    try run.wait(for: "its line") {
      run.err.lines.contains { $0.contains("event=forwarded") && $0.contains("HUP") && $0.contains("USR2") }
    }
  }

  // MARK: A bad standard error

  /// Makes a pipe into which no further byte fits.
  private func fullPipe() throws -> (read: Int32, write: Int32) {
    let ends = try makePipe()
    let flags = fcntl(ends.write, F_GETFL)
    _ = fcntl(ends.write, F_SETFL, flags | O_NONBLOCK)
    let chunk = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
    while write(ends.write, chunk, chunk.count) > 0 { continue }
    while write(ends.write, chunk, 1) > 0 { continue }
    _ = fcntl(ends.write, F_SETFL, flags)
    return ends
  }

  @Test(arguments: PIDRole.possible)
  func `a full pipe at standard error does not delay signals`(place: PIDRole) throws {
    let pipe = try fullPipe()
    defer { [pipe.read, pipe.write].forEach { _ = close($0) } }
    let setup = LaunchOptions(error: pipe.write)
    let command = testApp("signals", "--ignore-term", "--exit-on", "USR2:5")
    let run = try Run.ready(["-vv", "--delay", "500ms"], command, in: place, setup)
    let sent = try run.send(.sigterm)
    try run.send(.sigusr1)
    try run.wait(for: "both") { Set(["got USR1", "got TERM"]).isSubset(of: run.signals) }
    #expect(Clock.now() - sent >= .milliseconds(500))
    #expect(Clock.now() - sent < .seconds(20))
    try run.send(.sigusr2)
    try run.expect(.code(5))
  }

  @Test func `a full pipe at standard error does not delay SIGKILL`() throws {
    let pipe = try fullPipe()
    defer { [pipe.read, pipe.write].forEach { _ = close($0) } }
    let setup = LaunchOptions(error: pipe.write)
    let run = try Run.ready(["--delay", "0", "--grace", "1s"], testApp("signals", "--ignore-term"), setup)
    let sent = try run.stop(.code(137))
    #expect(Clock.now() - sent >= .seconds(1))
    #expect(Clock.now() - sent < .seconds(20))
  }

  @Test func `dropped log lines are counted`() throws {
    let pipe = try makePipe()
    defer { close(pipe.write) }
    let setup = LaunchOptions(error: pipe.write)
    let log = CapturedOutput(pipe.read)
    // Each signal logs a line at this level. The log is not read until later.
    let run = try Run.ready(["-vv", "--delay", "0"], testApp("signals", "--ignore-term", "--exit-on", "INT:0"), setup)
    let count = 5000
    for _ in 0..<count { try run.send(.realTime(1)) }
    try run.wait(for: "all signals") { run.signals.count >= count }
    func lines(_ event: String) -> [String] { log.lines.filter { $0.contains("event=\(event) ") } }
    // After this read the next record and the count fit into the pipe.
    try run.wait(for: "the count") {
      log.read()
      try run.send(.sigusr1)
      return !lines("log-dropped").isEmpty
    }
    try run.send(.sigint)
    try run.expect(.code(0))
    log.read()
    let dropped = try lines("log-dropped").map { try $0.number("lines") }.reduce(0, +)
    let printed = lines("forwarded").filter { $0.contains("RTMIN+1") }.count
    #expect(dropped > 0)
    #expect(Int(dropped) + printed >= count)
    #expect(printed < count)
  }

  @Test(arguments: PIDRole.possible)
  func `with standard error closed ebb does not log into another file`(place: PIDRole) throws {
    let run = try Run.ready(["-vv", "--delay", "200ms"], testApp("signals"), in: place, .launch("--close", "2"))
    let log = Proc.descriptors(of: try run.supervisor())[2] ?? ""
    // A file that ebb opened for itself must not have become its standard error.
    #expect(log == "" || log == "/dev/null" || log == "/", "standard error is \(log)")
    try run.stop(.code(0))
    #expect(run.signals.first == "got TERM")
  }

  @Test func `a broken pipe at standard error does not disturb a stop`() throws {
    let pipe = try makePipe()
    close(pipe.read)
    defer { close(pipe.write) }
    let setup = LaunchOptions(error: pipe.write)
    let run = try Run.ready(["-vv", "--delay", "200ms"], testApp("signals"), setup)
    try run.deliver(.sigusr1)
    try run.stop(.code(0))
    #expect(Array(run.signals.prefix(2)) == ["got USR1", "got TERM"])
  }

  @Test func `ebb leaves the standard error that it shares with the command blocking`() throws {
    let pipe = try makePipe()
    defer { [pipe.read, pipe.write].forEach { _ = close($0) } }
    let setup = LaunchOptions(error: pipe.write)
    let run = try Run.ready(["-vv", "--delay", "0"], testApp("signals", "--ignore-term"), setup)
    try run.deliver(.sigterm)
    #expect(fcntl(pipe.write, F_GETFL) & O_NONBLOCK == 0)
  }
}
