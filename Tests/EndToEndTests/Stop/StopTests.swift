import Foundation
import TestSupport
import Testing

/// The signals that begin a stop, and the signals that the command then gets.
@Suite(.endsItsProcesses)
struct StopTests {
  @Test(arguments: PIDRole.possible)
  func `the stop signal is followed by SIGCONT`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--ignore-term", "--exit-on", "CONT:6"), in: place)
    try run.stop(.code(6))
    #expect(run.signals == ["got TERM", "got CONT"])
  }

  @Test(arguments: PIDRole.possible)
  func `a suspended command can act on the stop signal`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("stay", "--stop-self"), in: place)
    let command = try run.command()
    try run.wait(for: "the command to be stopped") { Proc.state(of: command) == "T" }
    try run.stop(.code(128 + SIGTERM))
  }

  @Test(arguments: PIDRole.possible)
  func `repeated stop signals are logged and not forwarded`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "1s"], testApp("signals", "--ignore-term", "--exit-on", "USR1:0"), in: place)
    let sent = try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    try run.send(.sigterm)
    // It must be handled first, or the next one would be merged with it.
    try run.wait(for: "the repeated signal to be logged") { run.err.text.contains("event=repeated-stop-signal") }
    try run.line("got TERM")
    #expect(Clock.now() - sent >= .seconds(1))
    try run.line("got CONT")
    try run.send(.sigterm)
    // It is logged after it was handled. Only then can the next signal show that this one was not forwarded.
    try run.wait(for: "both to be logged") {
      run.err.lines.filter { $0.contains("event=repeated-stop-signal") }.count == 2
    }
    try run.send(.sigusr1)
    try run.expect(.code(0))
    #expect(run.signals == ["got TERM", "got CONT", "got USR1"])
  }

  @Test func `SIGINT ends the delay and the command gets only the stop signal`() throws {
    let run = try Run.ready(["--delay", "600s", "-t", "900s"], testApp("signals"))
    try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    try run.send(.sigint)
    try run.expect(.code(0))
    #expect(run.signals.first == "got TERM")
    #expect(!run.signals.contains("got INT"))
  }

  /// A JVM prints a thread dump on SIGQUIT.
  @Test func `SIGQUIT during the delay is forwarded and does not end it`() throws {
    let run = try Run.ready(["--delay", "600s", "-t", "900s"], testApp("signals"))
    try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    try run.deliver(.sigquit)
    #expect(try CommandResult.ebb("status", "--json", about: run).json()["phase"] as? String == "delaying")
    try run.send(.sigint)
    try run.expect(.code(0))
    #expect(Array(run.signals.prefix(2)) == ["got QUIT", "got TERM"])
  }

  @Test func `SIGINT and SIGQUIT outside a stop are forwarded and start no deadline`() throws {
    let run = try Run.ready(["--delay", "0", "--grace", "1s"], testApp("signals"))
    for signal: Signal in [.sigint, .sigquit, .sigint] {
      try run.deliver(signal)
    }
    #expect(run.err.text == "")
    #expect(run.poll() == nil)
  }

  @Test func `signals other than SIGINT during the delay are forwarded and do not end it`() throws {
    let run = try Run.ready(["--delay", "20s"], testApp("signals"))
    try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    for signal: Signal in [.sighup, .sigusr1, .sigcont, .realTime(2)] {
      try run.deliver(signal)
    }
    try run.send(.sigint)
    try run.expect(.code(0))
    let inOrder = ["HUP", "USR1", "CONT", "RTMIN+2", "TERM"].map { "got " + $0 }
    #expect(Array(run.signals.prefix(5)) == inOrder)
  }

  @Test(arguments: PIDRole.possible)
  func `--stop-signals replaces SIGTERM as the stop signal`(place: PIDRole) throws {
    let options = ["--stop-signals", "QUIT,RTMIN+3", "--delay", "1s"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term", "--exit-on", "RTMIN+3:8"), in: place)
    try run.deliver(.sigterm)
    #expect(run.err.text == "")
    let sent = try run.send(.realTime(3))
    try run.expect(.code(8))
    #expect(Clock.now() - sent >= .seconds(1))
  }

  @Test func `a stop signal that is pending when ebb starts begins a stop`() throws {
    // The signal is sent before ebb, and so before the command, is executed.
    let run = try Run.ebb(["--delay", "0"], testApp("signals"), .launch("--block", "TERM", "--raise", "TERM"))
    try run.expect(.code(0))
    #expect(run.signals.first == "got TERM")
  }

  @Test func `a stop signal right after the start is never lost`() throws {
    for _ in 0..<100 {
      // Blocked from the start, so that SIGTERM cannot kill ebb before ebb blocks it itself.
      let run = try Run.ebb(["--delay", "0"], testApp("signals"), .launch("--block", "all"))
      try run.stop(.code(0))
    }
  }
}
