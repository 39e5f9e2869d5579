import Foundation
import TestSupport
import Testing

/// The command, orphans, and processes that outlive the command.
@Suite(.endsItsProcesses)
struct ReapingTests {
  // Serialized, because both together would use most of the usual 32768 process ids.
  @Test(.serialized, arguments: PIDRole.possible)
  func `10 000 orphans that exit together are all reaped`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0", "--log", "json"], testApp("orphans", "10000", "7"), in: place)
    let (supervisor, command) = (try run.supervisor(), try run.command())
    try stop(supervisor)
    // The orphans become zombies, and their SIGCHLDs are merged into one.
    kill(command, SIGUSR1)
    try run.wait(for: "ten thousand", limit: .seconds(300)) { run.out.next("made 10000") != nil }
    #expect(Proc.children(of: supervisor).count == 10001)
    kill(supervisor, SIGCONT)
    try run.wait(for: "the zombies to go", limit: .seconds(300)) { Proc.children(of: supervisor) == [command] }
    try run.stop(.code(7))
    let report = try run.report()
    #expect(report["reaped"] as? Int == 10000)
  }

  @Test(arguments: PIDRole.possible)
  func `the command's exit is found among 500 orphans behind one SIGCHLD`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("orphans", "500", "7"), in: place)
    let (supervisor, command) = (try run.supervisor(), try run.command())
    try stop(supervisor)
    kill(command, SIGUSR1)
    try run.line("made 500")
    kill(command, SIGTERM)
    try run.wait(for: "the command's end") { Proc.state(of: command) == "Z" }
    kill(supervisor, SIGCONT)
    try run.expect(.code(7))
  }

  @Test(.needs(.strace))
  func `a stop signal is handled before all orphans are reaped`() throws {
    let run = try Run.ready(["--delay", "0"], testApp("orphans", "400", "0"))
    try stop(run.pid)
    kill(try run.command(), SIGUSR1)
    try run.line("made 400")
    // 20 s for all of them.
    let tracer = try run.inject("wait4:delay_exit=50000")
    kill(run.pid, SIGCONT)
    try run.wait(for: "the first ones to go") { Proc.children(of: run.pid).count < 400 }
    try run.send(.sigterm)
    try run.line("ebb: ", on: run.err)
    #expect(Proc.children(of: run.pid).count > 50)
    try tracer.detach()
    try run.expect(.code(0))
  }

  private func stop(_ supervisor: pid_t) throws {
    kill(supervisor, SIGSTOP)
    try Clock.wait(for: "ebb to be stopped") { Proc.state(of: supervisor) == "T" }
  }

  @Test func `-w logs a line for each reaped orphan`() throws {
    let run = try Run.ready(["-w", "--delay", "0"], testApp("orphans", "3", "0"))
    kill(try run.command(), SIGUSR1)
    try run.wait(for: "three lines") { run.err.lines.filter { $0.contains("event=reaped") }.count == 3 }
    let pids = try run.err.lines.map { try $0.number("pid") }
    #expect(Set(pids).count == 3)
  }

  @Test(arguments: PIDRole.possible)
  func `a command that is suspended and continued does not count as exited`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--exit-on", "USR2:8"), in: place)
    let command = try run.command()
    for _ in 0..<3 {
      kill(command, SIGSTOP)
      try run.wait(for: "the command to be stopped") { Proc.state(of: command) == "T" }
      kill(command, SIGCONT)
      try run.line("got CONT")
    }
    try run.send(.sigusr2)
    try run.expect(.code(8))
  }

  // MARK: Leftovers

  @Test(arguments: PIDRole.possible, [[], ["--orphaned"], ["--session"], ["--orphaned", "--session"]])
  func `leftovers get SIGTERM once and finish their cleanup`(place: PIDRole, how: [String]) throws {
    let command = testApp("leave", "3", "--code", "4", "--slow", "300") + how
    let run = try Run.ebb(["--leftover-timeout", "60s"], command, in: place)
    try run.expect(.code(4))
    try run.readToEnd()
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 3, "\(run)")
    #expect(run.out.lines.filter { $0 == "leftover done" }.count == 3, "\(run)")
  }

  @Test(arguments: PIDRole.possible)
  func `suspended leftovers are continued and get SIGTERM`(place: PIDRole) throws {
    let run = try Run.ready(["--leftover-timeout", "60s"], testApp("leave", "2", "--on", "USR1"), in: place)
    let leftovers = Proc.children(of: try run.command())
    #expect(leftovers.count == 2)
    for one in leftovers { kill(one, SIGSTOP) }
    try run.wait(for: "the leftovers to be suspended") { leftovers.allSatisfy { Proc.state(of: $0) == "T" } }
    let sent = try run.send(.sigusr1)
    try run.expect(.code(0))
    #expect(Clock.now() - sent < .seconds(60))
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 2)
  }

  @Test(arguments: PIDRole.possible)
  func `leftovers that ignore SIGTERM are killed after --leftover-timeout`(place: PIDRole) throws {
    let command = testApp("leave", "5", "--ignore-term", "--session", "--on", "USR1", "--code", "3")
    let run = try Run.ready(["--leftover-timeout", "3s"], command, in: place)
    let sent = try run.send(.sigusr1)
    try run.expect(.code(3))
    #expect(Clock.now() - sent >= .seconds(3))
    try run.readToEnd()
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 5)
  }

  @Test(arguments: PIDRole.possible)
  func `leftovers are killed at the kill deadline even if --leftover-timeout is longer`(place: PIDRole) throws {
    let command = testApp("leave", "2", "--ignore-term", "--on", "TERM")
    let options = ["--delay", "0", "-t", "5s", "--kill-margin", "1s", "--leftover-timeout", "60s"]
    let run = try Run.ready(options, command, in: place)
    let sent = try run.stop(.code(0))
    let passed = Clock.now() - sent
    #expect(passed >= .seconds(4))
    #expect(passed < .seconds(30))
    try run.readToEnd()
  }

  @Test(arguments: PIDRole.possible)
  func `at the deadline the command and grandchildren in their own sessions are killed`(place: PIDRole) throws {
    let command = testApp("leave", "4", "--ignore-term", "--orphaned", "--session", "--on", "USR2")
    let run = try Run.ready(["--delay", "0", "--grace", "1s"], command, in: place)
    let sent = try run.stop(.code(137))
    #expect(Clock.now() - sent >= .seconds(1))
    try run.readToEnd()
    // They are not leftovers while the command runs, so only the command gets SIGTERM.
    #expect(run.signals.allSatisfy { !$0.contains("leftover") })
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `a process that nsenter put into the PID namespace is not a leftover and does not delay the exit`() throws {
    let command = testApp("signals", "--exit-on", "USR1:6")
    let run = try Run.ready(["--leftover-timeout", "60s"], command, in: .pid1)
    let enter = [installed("nsenter"), "-t", "\(try run.supervisor())", "-p", "-m"]
    let outsider = try Run.program(enter + testApp("signals", "--ignore-term"))
    #expect(try outsider.line("ready").number("ppid") == 0)
    let sent = try run.send(.sigusr1)
    try run.expect(.code(6))
    #expect(Clock.now() - sent < .seconds(60))
    // It is killed with the namespace, but gets no SIGTERM.
    try outsider.readToEnd()
    #expect(outsider.signals == [])
  }
}
