import Foundation
import TestSupport
import Testing

/// Signals that are sent to ebb.
@Suite(.endsItsProcesses)
struct SignalTests {
  @Test(arguments: PIDRole.possible)
  func `every catchable signal reaches the command once`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals"), in: place)
    for signal in Signal.forwarded {
      try run.deliver(signal)
    }
    try run.stop(.code(0))
    #expect(run.signals == Signal.forwarded.map { "got \($0)" } + ["got TERM"])
  }

  @Test(arguments: PIDRole.possible)
  func `SIGCHLD, SIGTTIN and SIGTTOU are not forwarded`(place: PIDRole) throws {
    let run = try Run.ready([], testApp("signals"), in: place)
    for signal: Signal in [.sigchld, .sigttin, .sigttou] { try run.send(signal) }
    try run.deliver(.sigusr1)
    #expect(run.signals == ["got USR1"])
  }

  @Test func `200 real-time signals of one number all reach the command`() throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--only", "RTMIN+7"))
    for _ in 0..<200 { try run.send(.realTime(7)) }
    try run.wait(for: "200 signals") { run.signals.count >= 200 }
    try run.stop(.code(0))
    #expect(run.signals == Array(repeating: "got RTMIN+7", count: 200))
  }

  // MARK: Rewriting

  @Test(arguments: [["-r", "HUP:USR2", "-r", "USR1:0"], ["--rewrite=HUP:USR2", "--rewrite", "SIGUSR1:0"]])
  func `--rewrite forwards a signal as another one or drops it`(options: [String]) throws {
    try expectRewritten(Run.ebb(options, testApp("signals")))
  }

  @Test func `EBB_REWRITE forwards a signal as another one or drops it`() throws {
    try expectRewritten(Run.ebb([], testApp("signals"), .environment(["EBB_REWRITE": "HUP:USR2,10:0"])))
  }

  private func expectRewritten(_ run: Run) throws {
    try run.line("ready")
    for signal: Signal in [.sigusr1, .sighup, .sigint] { try run.send(signal) }
    try run.wait(for: "two signals") { run.signals.count >= 2 }
    #expect(run.signals.sorted() == ["got INT", "got USR2"])
  }

  @Test func `--rewrite applies to the stop signal`() throws {
    let run = try Run.ready(["--delay", "0", "-r", "TERM:QUIT"], testApp("signals", "--exit-on", "QUIT:5"))
    try run.stop(.code(5))
    #expect(run.signals == ["got QUIT"])
  }

  @Test func `a stop signal dropped by --rewrite still leads to SIGKILL at the deadline`() throws {
    let run = try Run.ready(["--delay", "0", "--grace", "1s", "-r", "TERM:0"], testApp("signals"))
    let sent = try run.stop(.code(137))
    #expect(Clock.now() - sent >= .seconds(1))
    #expect(run.signals == [])
  }

  // MARK: Group and session

  @Test(arguments: PIDRole.possible)
  func `without --group only the command gets a signal`(place: PIDRole) throws {
    let run = try Run.ebb(["--delay", "0"], testApp("signals", "--with-child"), in: place)
    try run.line("child ready")
    try run.deliver(.sigusr1)
    try run.stop(.code(0))
    #expect(!run.signals.contains("child got USR1"))
  }

  @Test(arguments: PIDRole.possible, ["-g", "--group"])
  func `--group sends signals to the whole process group`(place: PIDRole, option: String) throws {
    let run = try Run.ebb([option, "--delay", "0"], testApp("signals", "--with-child"), in: place)
    try run.line("child ready")
    try run.send(.sigusr1)
    try run.wait(for: "both to get it") { Set(["got USR1", "child got USR1"]).isSubset(of: run.signals) }
    try run.stop(.code(0))
  }

  @Test func `the command leads its own process group in the caller's session`() throws {
    let run = try Run.ebb([], testApp("report"))
    let ready = try run.line("ready")
    #expect(try ready.field("pgid") == ready.field("pid"))
    #expect(try ready.number("sid") == getsid(0))
  }

  @Test func `--session starts the command in its own session`() throws {
    let run = try Run.ebb(["--session"], testApp("report"))
    let ready = try run.line("ready")
    #expect(try ready.field("sid") == ready.field("pid"))
    #expect(try ready.field("pgid") == ready.field("pid"))
  }

  // MARK: Inheritance

  @Test func `the command inherits an empty signal mask and default dispositions`() throws {
    let run = try Run.ebb([], testApp("report"))
    try run.line("end")
    #expect(run.out.lines.contains("blocked:"))
    #expect(run.out.lines.contains("ignored:"))
  }

  @Test func `the command inherits blocked and ignored signals unchanged`() throws {
    let launch = ["--ignore", "HUP", "--ignore", "CHLD", "--ignore", "TTOU", "--block", "USR1", "--block", "RTMIN+5"]
    let run = try Run.ebb([], testApp("report"), LaunchOptions(launch: launch))
    try run.line("end")
    #expect(run.out.lines.contains("blocked: USR1 RTMIN+5"))
    #expect(run.out.lines.contains("ignored: HUP CHLD TTOU"))
  }

  @Test func `the command inherits all ignorable signals as ignored`() throws {
    let ignored = (1...64).filter { ![9, 19, 32, 33].contains($0) }
    let run = try Run.ebb([], testApp("report"), LaunchOptions(launch: ignored.flatMap { ["--ignore", "\($0)"] }))
    let line = try run.line("ignored:")
    #expect(line.split(separator: " ").count == 1 + ignored.count)
  }

  @Test(arguments: PIDRole.possible)
  func `ebb forwards signals that were blocked or ignored when it started`(place: PIDRole) throws {
    let ignored = ["CHLD", "TERM", "HUP", "RTMIN"].flatMap { ["--ignore", $0] }
    let setup = LaunchOptions(launch: ignored + ["--block", "all"])
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--exit-on", "TERM:7"), in: place, setup)
    for signal: Signal in [.sighup, .realTime(0)] {
      try run.deliver(signal)
    }
    try run.stop(.code(7))
  }

  @Test func `an inherited ignored SIGHUP does not end the command`() throws {
    let run = try Run.ready(["--delay", "0"], testApp("stay"), .launch("--ignore", "HUP"))
    try run.send(.sighup)
    try run.stop(.code(128 + SIGTERM))
  }
}
