import Foundation
import TestSupport
import Testing

/// Files whose open(2) never returns. Signals and deadlines must not wait for them.
@Suite(.endsItsProcesses, .needs(.fanotify))
struct HangingFileTests {
  /// Makes a file whose open(2) never returns.
  private func hangingFile() throws -> String {
    let path = try TestResources.folder() + "/file"
    try "#!/bin/sh\n".write(toFile: path, atomically: false, encoding: .utf8)
    chmod(path, 0o755)
    let holder = try Run.program(testApp("hold", path))
    try holder.line("hold ready")
    return path
  }

  @Test(arguments: PIDRole.possible)
  func `a pre-stop hook whose file never opens holds up no signal and no deadline`(place: PIDRole) throws {
    let options = [
      "--pre-stop", try hangingFile(), "--delay", "300ms", "--drain-timeout", "1200ms", "-t", "4s", "--kill-margin",
      "1s", "--grace", "1s", "--log",
      "json",
    ]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"), in: place)
    let sent = try run.send(.sigterm)
    try run.line("{", on: run.err)
    try run.deliver(.sigusr1)
    // The hook ends with the drain timeout at the latest.
    try run.line("got TERM")
    #expect(Clock.now() - sent >= .milliseconds(1500))
    #expect(run.signals.first == "got USR1")
    try run.expect(.code(137))
    #expect(Clock.now() - sent < .seconds(20))
    let hook = try #require(try run.report()["pre_stop"] as? [String: Any])
    #expect(hook["killed"] as? Bool == true)
  }

  @Test(arguments: PIDRole.possible)
  func `a termination log that never opens does not hold up the exit`(place: PIDRole) throws {
    let options = ["--termination-log", try hangingFile(), "--delay", "0"]
    let run = try Run.ready(options, testApp("signals", "--exit-on", "TERM:3"), in: place)
    let sent = try run.stop(.code(3))
    #expect(Clock.now() - sent < .seconds(20))
    #expect(run.err.text.contains("event=exited"), "\(run)")
  }

  @Test func `a termination log that never opens does not hold up the exit after a failed start`() throws {
    let run = try Run.ebb(["--termination-log", try hangingFile()], ["/does/not/exist"])
    try run.expect(.code(127))
  }
}
