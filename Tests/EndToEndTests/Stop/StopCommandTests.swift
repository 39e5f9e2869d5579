import Foundation
import TestSupport
import Testing

/// `ebb stop`, which begins a graceful stop from inside.
@Suite(.endsItsProcesses, .mostlyWaits)
struct StopCommandTests {
  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `ebb stop begins a graceful stop of PID 1`() throws {
    let inside = try PIDNamespace.ebb(["--delay", "3s"], testApp("signals"))
    let begun = Clock.now()
    let stop = try inside.ebb("stop")
    #expect(stop.exit == .code(0) && stop.err == "", "\(stop)")
    #expect(try stop.out.span(after: "delaying, not ready; SIGTERM is forwarded in ") <= .seconds(3), "\(stop)")
    try inside.run.expect(.code(0))
    #expect(Clock.now() - begun >= .seconds(3))
    #expect(inside.run.signals == ["got TERM"])
  }

  @Test func `repeated ebb stop forwards the stop signal once`() throws {
    let run = try Run.ready(["--delay", "25s"], testApp("signals"))
    for _ in 0..<3 { #expect(try CommandResult.ebb("stop", about: run).exit == .code(0)) }
    #expect(try CommandResult.ebb("stop", "--now", about: run).exit == .code(0))
    try run.expect(.code(0))
    #expect(run.signals == ["got TERM"])
    // Only the last stop signal, that of --now, has a new request.
    #expect(run.err.lines.filter { $0.contains("event=repeated-stop-signal") }.count == 1, "\(run)")
  }

  @Test func `ebb stop --now skips delay and drain`() throws {
    let run = try Run.ready(["--delay", "25s"], testApp("signals", "--exit-on", "TERM:3", "--slow", "3000"))
    let stop = try CommandResult.ebb("stop", "--now", about: run)
    #expect(
      stop.exit == .code(0) && stop.out.hasPrefix("stopping, not ready; the command was sent SIGTERM "), "\(stop)")
    try run.expect(.code(3))
    #expect(run.signals == ["got TERM"])
    #expect(run.err.lines.last?.contains("delay_ended_by=request") == true, "\(run)")
  }

  @Test func `ebb stop --now ends the delay of a stop in progress`() throws {
    let run = try Run.ready(["--delay", "25s"], testApp("signals"))
    try run.send(.sigterm)
    try run.line("", on: run.err)
    #expect(try CommandResult.ebb("stop", "--now", about: run).exit == .code(0))
    try run.expect(.code(0))
    #expect(run.signals == ["got TERM"])
  }

  @Test func `ebb stop --wait prints each phase until the exit`() throws {
    let run = try Run.ready(["--delay", "3s"], testApp("signals", "--exit-on", "TERM:7", "--slow", "3000"))
    let stop = try CommandResult.ebb("stop", "--wait", about: run)
    #expect(stop.exit == .code(0))
    var phases: [Substring] = []
    // Other changes than the phase, for example a reaped process, print a line too.
    for line in stop.out.split(separator: "\n") {
      if let phase = line.split(separator: ",").first, phase != phases.last { phases.append(phase) }
    }
    #expect(phases.drop { $0 == "serving" } == ["delaying", "stopping", "exited"], "\(stop)")
    #expect(stop.out.hasSuffix("exited, not ready; the command has exited with 7; 1 received, 1 forwarded, 0 reaped\n"))
  }

  @Test func `ebb stop sends the first of the supervisor's stop signals`() throws {
    let run = try Run.ready(["--delay", "0", "--stop-signals", "QUIT,USR2"], testApp("signals", "--exit-on", "QUIT:4"))
    #expect(try CommandResult.ebb("stop", about: run).exit == .code(0))
    try run.expect(.code(4))
  }
}
