import Foundation
import TestSupport
import Testing

/// When the command counts as ready, and how that is reported.
@Suite(.endsItsProcesses)
struct ReadyTests {
  /// A server that listens after some seconds.
  static func slowServer(_ port: Int, seconds: Double) -> [String] {
    ["sh", "-c", "sleep \(seconds); exec \"$0\" serve \(port)", Binaries.testApp]
  }

  @Test(.needs(.program("curl")), arguments: PIDRole.possible)
  func `/readyz reports starting, then ready, then not ready from the stop signal on`(place: PIDRole) throws {
    let port = try Client.freePort()
    let health = try Client.freePort()
    let options = ["--ready-http", "http://127.0.0.1:\(port)/", "--health", "\(health)", "--delay", "3s", "-v"]
    let run = try Run.ebb(options, Self.slowServer(port, seconds: 2), in: place)
    var answers: [String] = []
    var isSent = false
    try Clock.wait(for: "the endpoint to close") {
      run.err.read()
      let isStopping = run.err.text.contains("event=stop-signal ")
      let answer = try RawClient.get(health, "/readyz")
      if isStopping { #expect(answer.status != 200, "\(run)") }
      let word = "\(answer.status) \(answer.body)"
      if answers.last != word { answers.append(word) }
      if !isSent, answer.status == 200 {
        try run.send(.sigterm)
        isSent = true
      }
      return isSent && answer.status == 0
    }
    try run.expect(.code(0))
    // The phase after the delay is too short to be seen in each run.
    let seen = answers.drop { $0 == "0 " }.prefix { $0 != "0 " }
    #expect(Array(seen.prefix(3)) == ["503 starting", "200 ok", "503 delaying"], "\(run)")
    #expect(seen.dropFirst(3).allSatisfy { $0 == "503 stopping" }, "\(answers)")
    #expect(run.err.text.contains("event=serving"))
  }

  @Test func `--ready-tcp tries both loopback addresses`() throws {
    let port = try Client.freePort()
    let health = try Client.freePort()
    _ = try Run.ebb(["--ready-tcp", "\(port)", "--health", "127.0.0.1:\(health)"], Self.slowServer(port, seconds: 0.3))
    try Clock.wait(for: "readiness") { try RawClient.get(health, "/readyz").status == 200 }
    try RawClient(port).exchange()
  }

  @Test(arguments: PIDRole.possible)
  func `a command that is not ready within --startup-timeout is stopped and ebb exits with 124`(place: PIDRole) throws {
    let options = [
      "--ready-tcp", "\(try Client.freePort())", "--startup-timeout", "3s", "--log", "json", "-e", "124",
    ]
    let run = try Run.ebb(options, testApp("signals", "--exit-on", "TERM:7"), in: place)
    try run.expect(.code(124))
    #expect(run.signals == ["got TERM"])
    let report = try run.report()
    #expect(report["code"] as? Int == 124)
    #expect(report["startup_timed_out"] as? Bool == true)
    #expect(report["stop_signal"] is NSNull)
  }

  @Test func `a command that is killed after --startup-timeout makes ebb exit with 124`() throws {
    let options = ["--ready-tcp", "\(try Client.freePort())", "--startup-timeout", "3s", "--grace", "300ms"]
    let run = try Run.ebb(options, testApp("signals", "--ignore-term"))
    try run.expect(.code(124))
    #expect(run.err.text.contains("event=killing"))
  }

  @Test func `a stop signal before readiness is forwarded immediately`() throws {
    let folder = try TestResources.folder()
    let options = [
      "--ready-tcp", "\(try Client.freePort())", "--delay", "20s", "--log", "json", "--pre-stop", "touch \(folder)/ran",
    ]
    let run = try Run.ready(options, testApp("signals"))
    let sent = try run.stop(.code(0))
    #expect(Clock.now() - sent < .seconds(15))
    #expect(try run.report()["delay_ended_by"] as? String == "skipped")
    #expect(!FileManager.default.fileExists(atPath: folder + "/ran"))
  }

  @Test func `a server that accepts but never answers is not ready and does not block signals`() throws {
    let silent = try LoopbackSocket()
    let health = try Client.freePort()
    let options = ["--ready-http", "http://127.0.0.1:\(silent.port)/", "--health", "\(health)", "-vv"]
    let run = try Run.ready(options, testApp("signals"))
    try run.wait(for: "an attempt to be given up") { run.err.text.contains("no response in time") }
    #expect(try RawClient.get(health, "/readyz").body == "starting")
    try run.deliver(.sigusr1)
    try run.stop(.code(0))
  }

  @Test func `--ready-hold keeps /readyz ready for its time after the stop signal`() throws {
    let health = try Client.freePort()
    let run = try Run.ready(["--health", "\(health)", "--ready-hold", "1s", "--delay", "20s"], testApp("signals"))
    let sent = try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    let answer = try RawClient.get(health, "/readyz")
    if Clock.now() - sent < .seconds(1) { #expect(answer.body == "ok") }
    try Clock.wait(for: "the hold to be over") { try RawClient.get(health, "/readyz").body == "delaying" }
    #expect(Clock.now() - sent >= .seconds(1))
    #expect(run.poll() == nil)
  }
}
