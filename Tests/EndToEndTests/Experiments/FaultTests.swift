import Foundation
import TestSupport
import Testing

/// Bursts, storms and the death of the parent.
@Suite(.endsItsProcesses)
struct FaultTests {
  @Test(arguments: PIDRole.possible)
  func `the stop signal is forwarded after a burst of 100 000 signals`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--only", "TERM"), in: place)
    let supervisor = try run.supervisor()
    let before = Proc.anonymousKilobytes(of: supervisor)
    let names = ["USR1", "USR2", "HUP", "WINCH", "RTMIN+1", "INT"]
    let burst = try Run.program(testApp("burst", "\(supervisor)", "100000") + names)
    try burst.expect(.code(0))
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent < .seconds(30))
    try run.expect(.code(0))
    #expect(before > 0)
  }

  @Test func `a burst of 100 000 signals does not increase memory`() throws {
    let run = try Run.ready([], testApp("signals", "--only", "TERM"))
    let names = ["USR1", "USR2", "HUP", "WINCH", "RTMIN+1", "INT"]
    func burst(_ count: Int) throws {
      try Run.program(testApp("burst", "\(run.pid)", "\(count)") + names).expect(.code(0))
    }
    // The first signals allocate the buffers that later ones reuse.
    try burst(5000)
    let before = Proc.anonymousKilobytes(of: run.pid)
    try burst(100_000)
    #expect(Proc.anonymousKilobytes(of: run.pid) <= before + 256)
  }

  @Test(.serialized, arguments: PIDRole.possible, [[], ["--exit"]])
  func `a storm of orphans during a stop ends at the deadline`(place: PIDRole, how: [String]) throws {
    let options = ["--delay", "0", "--grace", "3s", "--leftover-timeout", "1s", "-t", "10s"]
    let run = try Run.ready(options, testApp("storm", "10", "8") + how, in: place)
    let sent = try run.send(.sigterm)
    try run.line("storming")
    try run.expect(.code(how.isEmpty ? 137 : 0))
    let passed = Clock.now() - sent
    #expect(passed >= .seconds(how.isEmpty ? 3 : 1), "\(run)")
    #expect(passed < .seconds(25))
  }

  @Test func `the exit of a command that ends immediately is never missed`() throws {
    for round in 0..<300 {
      let code = Int32(round % 100)
      try Run.ebb([], testApp("exit", "\(code)")).expect(.code(code))
    }
  }

  @Test(.needs(.pidNamespace))
  func `a command killed immediately is reaped when ebb is PID 1`() throws {
    for _ in 0..<100 { try Run.ebb([], testApp("kill-self", "KILL"), in: .pid1).expect(.code(137)) }
  }

  @Test(arguments: [PIDRole.subreaper], ["/bin/true"])
  func `300 runs of /bin/true exit with 0`(place: PIDRole, command: String) throws {
    for _ in 0..<300 { try Run.ebb([], [command], in: place).expect(.code(0)) }
  }

  /// Only those rows that need neither much time nor an idle machine.
  @Test(.needs(.pidNamespace))
  func `the short run of the fault table passes in every row`() throws {
    let rows = ["startup", "signals", "netlink", "proc", "threads", "calls", "descriptors"]
    let run = try Run.program([Binaries.faultInjection, "--quick", "--ebb", try Binaries.ebb()] + rows)
    let exit = try run.exit(limit: .seconds(300))
    #expect(exit == .code(0), "\(run)")
    #expect(run.out.lines.filter { $0.hasSuffix(" ok") }.count == 9, "\(run)")
  }

  // MARK: The parent's death

  @Test(arguments: [["-p", "TERM"], ["--parent-death-signal", "SIGTERM"]])
  func `with --parent-death-signal TERM the parent's death starts a graceful stop`(option: [String]) throws {
    let ebb = [try Binaries.ebb()] + option + ["--delay", "300ms", "--"] + testApp("signals")
    let run = try Run.program(testApp("parent", "--") + ebb)
    try run.line("ready")
    let sent = try run.send(.sigkill)
    try run.line("got TERM")
    #expect(Clock.now() - sent >= .milliseconds(300))
    try run.readToEnd()
  }

  @Test func `a parent death signal that is not a stop signal is forwarded`() throws {
    let ebb = [try Binaries.ebb(), "-p", "USR1", "--"] + testApp("signals", "--exit-on", "USR1:0")
    let run = try Run.program(testApp("parent", "--") + ebb)
    try run.line("ready")
    try run.send(.sigkill)
    try run.line("got USR1")
    try run.readToEnd()
  }

  @Test func `without --parent-death-signal ebb continues after its parent's death`() throws {
    let ebb = [try Binaries.ebb(), "--delay", "0", "--"] + testApp("signals")
    let run = try Run.program(testApp("parent", "--") + ebb)
    let supervisor = try run.line("ready").number("ppid")
    try run.send(.sigkill)
    try run.wait(for: "the parent's death") { run.poll() != nil && Proc.parent(of: supervisor) != run.pid }
    kill(supervisor, SIGUSR1)
    try run.line("got USR1")
    kill(supervisor, SIGTERM)
    try run.line("got TERM")
    try run.readToEnd()
    #expect(run.signals == ["got USR1", "got TERM"])
  }
}
