import Foundation
import TestSupport
import Testing

/// The main job: a real HTTP server under ebb as PID 1 that gets requests during a whole stop.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.program("curl")))
struct JobControlAsPID1Tests {
  @Test(.needs(.program("nginx")), arguments: PIDRole.possible)
  func `nginx under ebb answers during the whole delay and finishes a download after SIGQUIT`(place: PIDRole) throws {
    let folder = try TestResources.folder()
    let port = try Client.freePort()
    try Data(repeating: 46, count: 1_000_000).write(to: URL(fileURLWithPath: folder + "/large"))
    try "ok\n".write(toFile: folder + "/index.html", atomically: true, encoding: .utf8)
    let nginx = try makeNginx(
      folder, http: "server { listen 127.0.0.1:\(port); root \(folder); location /large { limit_rate 100k; } }")
    let run = try Run.ebb(["--delay", "5s", "-r", "TERM:QUIT"], nginx, in: place)
    let client = try Client("http://127.0.0.1:\(port)/")
    // Takes 10 s, so it is still in flight when nginx gets SIGQUIT.
    let download = try client.start("http://127.0.0.1:\(port)/large")
    try client.expectAnswersThroughAStop(of: .seconds(5)) { try run.send(.sigterm) }
    try download.expect(.code(0))
    #expect(download.out.lines == ["200 1000000"])
    try run.expect(.code(0))
    #expect(run.err.lines.contains { $0.contains("event=exited code=0") }, "\(run)")
  }

  @Test(.needs(.program("python3")), arguments: PIDRole.possible)
  func `Python's http.server without a SIGTERM handler answers during the whole delay`(place: PIDRole) throws {
    let port = try Client.freePort()
    let python = [installed("python3"), "-m", "http.server", "--bind", "127.0.0.1", "\(port)"]
    let setup = LaunchOptions.launch("--cwd", try TestResources.folder())
    let run = try Run.ebb(["--delay", "5s"], python, in: place, setup)
    let client = try Client("http://127.0.0.1:\(port)/")
    try client.expectAnswersThroughAStop(of: .seconds(5)) { try run.send(.sigterm) }
    try run.expect(.code(128 + SIGTERM))
  }
}
