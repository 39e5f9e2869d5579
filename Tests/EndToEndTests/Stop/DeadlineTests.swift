import Foundation
import TestSupport
import Testing

/// Each moment of a stop. Too early is checked exactly, too late generously, because the machine may be busy.
@Suite(.endsItsProcesses)
struct DeadlineTests {
  /// A deadline that passes later than this counts as missed on any machine.
  private let late = Duration.seconds(20)

  @Test(arguments: PIDRole.possible)
  func `the command gets no signal before the delay has passed`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "1200ms"], testApp("signals"), in: place)
    let sent = try run.deliver(.sigterm)
    let passed = Clock.now() - sent
    #expect(passed >= .milliseconds(1200))
    #expect(passed < late)
    try run.expect(.code(0))
  }

  @Test func `in a pod the default delay is 5 s`() throws {
    let run = try Run.ready([], testApp("signals"), .environment(["KUBERNETES_SERVICE_HOST": "10.0.0.1"]))
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(5))
    #expect(Clock.now() - sent < .seconds(5) + late)
  }

  @Test func `--delay 0 forwards the stop signal immediately`() throws {
    let run = try Run.ready(["--delay", "0", "-t", "120s"], testApp("signals"))
    let sent = try run.stop(.code(0))
    #expect(Clock.now() - sent < late)
  }

  @Test(arguments: PIDRole.possible)
  func `the grace starts when the stop signal is forwarded`(place: PIDRole) throws {
    let options = ["--delay", "700ms", "--grace", "3s", "-t", "60s"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"), in: place)
    let sent = try run.stop(.code(137))
    let passed = Clock.now() - sent
    #expect(passed >= .milliseconds(3700))
    #expect(passed < late)
    #expect(run.signals == ["got TERM", "got CONT"])
  }

  @Test(arguments: PIDRole.possible)
  func `without --grace the kill deadline counts from the stop signal`(place: PIDRole) throws {
    let options = ["--delay", "500ms", "-t", "2500ms", "--kill-margin", "500ms"]
    let run = try Run.ready(options, testApp("stay", "--ignore", "TERM"), in: place)
    let sent = try run.stop(.code(137))
    let passed = Clock.now() - sent
    #expect(passed >= .seconds(2))
    #expect(passed < late)
  }

  @Test func `repeated stop signals do not postpone the deadline`() throws {
    let options = ["--delay", "0", "-t", "3s", "--kill-margin", "1s"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"))
    let sent = try run.send(.sigterm)
    try run.wait(for: "the end") {
      if run.poll() == nil { try run.send(.sigterm) }
      return run.poll() != nil
    }
    try run.expect(.code(137))
    let passed = Clock.now() - sent
    #expect(passed >= .seconds(2))
    #expect(passed < late)
  }

  @Test func `the grace starts when SIGINT ends the delay`() throws {
    let options = ["--delay", "60s", "--grace", "1s", "-t", "90s"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"))
    try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    let sent = try run.send(.sigint)
    try run.expect(.code(137))
    let passed = Clock.now() - sent
    #expect(passed >= .seconds(1))
    #expect(passed < late)
  }

  @Test(arguments: PIDRole.possible)
  func `the command's exit ends the delay`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "60s", "-t", "90s"], testApp("signals", "--exit-on", "USR1:9"), in: place)
    let sent = try run.send(.sigterm)
    try run.line("ebb:", on: run.err)
    try run.send(.sigusr1)
    try run.expect(.code(9))
    #expect(Clock.now() - sent < late)
  }

  @Test func `a command that exits late within the grace is not killed`() throws {
    let command = testApp("signals", "--slow", "1500", "--exit-on", "TERM:4")
    let run = try Run.ready(["--delay", "0", "--grace", "20s"], command)
    try run.stop(.code(4))
    #expect(run.out.lines.last == "done")
  }

  @Test func `a command that another process suspended is killed at the deadline`() throws {
    let run = try Run.ready(["--delay", "0", "--grace", "5s"], testApp("signals", "--ignore-term"))
    let command = try run.command()
    try run.send(.sigterm)
    try run.line("got CONT")
    kill(command, SIGSTOP)
    try run.expect(.code(137))
  }
}
