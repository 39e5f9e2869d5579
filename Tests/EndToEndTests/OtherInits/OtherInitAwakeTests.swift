import Foundation
import TestSupport
import Testing

/// ebb under another init's name, with EBB_DELAY ("awake") and without it ("asleep").
@Suite(.endsItsProcesses, .mostlyWaits, .needsOtherInits)
struct OtherInitAwakeTests {
  private func ebb(as name: String) -> Init { Init(name: name, maker: .ebb) }

  @Test(arguments: Init.names)
  func `EBB_DELAY activates ebb under another init's name and that init's options still apply`(name: String) throws {
    let options = name == "dumb-init" ? ["-r", "15:3"] : ["-g"]
    let sent: Signal = name == "dumb-init" ? .sigquit : .sigterm
    let run = try ebb(as: name).start(
      options + ["--"] + testApp("signals", "--exit-on", "\(sent):0"), ["EBB_DELAY": "1s", "EBB_LOG": "json"])
    try run.line("ready")
    let moment = try run.send(.sigterm)
    try run.line("got \(sent)")
    #expect(Clock.now() - moment >= .seconds(1))
    try run.expect(.code(0))
    try run.readToEnd()
    #expect(try run.report()["stop_signal"] as? String == "TERM", "\(run)")
    #expect(try run.report()["delay_ended_by"] as? String == "time", "\(run)")
  }

  @Test func `ebb as tini with EBB_DELAY kills at the deadline and remaps the exit code with -e`() throws {
    let variables = [
      "EBB_DELAY": "0", "EBB_DRAIN": "time", "EBB_TERMINATION_GRACE_PERIOD": "32s", "EBB_KILL_MARGIN": "30s",
    ]
    let command = testApp("signals", "--ignore-term")
    let run = try ebb(as: "tini").start(["-e", "137", "--"] + command, variables)
    try run.line("ready")
    let sent = try run.stop(.code(0))
    #expect(Clock.now() - sent >= .seconds(2))
  }

  @Test func `ebb as plain tini below ebb leaves the delay to the outer one and forwards SIGTERM once`() throws {
    let command = [try Init.link("tini"), "-s", "--"] + testApp("signals")
    let run = try Run.ready(["--delay", "1s", "--drain", "time"], command, in: .subreaper, .withTraffic)
    try run.waitForPage(of: try run.command())
    let status = try CommandResult.ebb("status", about: run)
    #expect(status.out.contains("delay 1.0s (flag)"), "\(status)")
    let sent = try run.deliver(.sigterm)
    #expect(Clock.now() - sent >= .seconds(1))
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "got TERM" }.count == 1, "\(run)")
  }

  // MARK: Asleep, and better

  @Test func `ebb status and probe recognise ebb as plain tini and ebb stop refuses`() throws {
    let run = try ebb(as: "tini").start(["-s", "--"] + testApp("signals"))
    try run.line("ready")
    let status = try CommandResult.ebb("status", about: run)
    #expect(status.out.contains("stop      none of its own"), "\(status)")
    #expect(try CommandResult.ebb("probe", about: run).exit == .code(0))
    let stop = try CommandResult.ebb("stop", about: run)
    #expect(stop.exit == .code(125) && stop.err.contains("set EBB_DELAY"), "\(stop)")
    #expect(run.signals == [])
  }

  @Test func `ebb as docker-init runs the status command outside PID 1`() throws {
    let run = try ebb(as: "docker-init").start(["-s", "--"] + testApp("signals"))
    try run.line("ready")
    try run.waitForPage(of: run.pid)
    let status = try CommandResult(ebb(as: "docker-init").start(["status", "--pid", "\(run.pid)"]))
    #expect(status.exit == .code(0) && status.out.contains(", pid \(run.pid): serving"), "\(status)")
  }

  @Test(.needs(.pidNamespace), arguments: Init.both("tini"))
  func `tini as PID 1 runs a program called status`(tini: Init) throws {
    try tini.start(["status"], in: .pid1).expect(.code(127))
  }

  @Test(arguments: ["tini", "dumb-init", "catatonit"])
  func `under another init's name the command inherits ignored and blocked signals`(name: String) throws {
    let run = try ebb(as: name).start(
      ["--"] + testApp("report"), launch: ["--ignore", "HUP", "--ignore", "CHLD", "--block", "USR1"])
    try run.line("end")
    #expect(run.out.lines.contains("blocked: USR1"), "\(run)")
    #expect(run.out.lines.contains("ignored: HUP CHLD"), "\(run)")
  }

  @Test(arguments: ["tini", "dumb-init", "catatonit"])
  func `SIGSEGV from another process does not end ebb under another init's name`(name: String) throws {
    let options = name == "dumb-init" ? ["-r", "11:0"] : []
    let run = try ebb(as: name).start(options + ["--"] + testApp("signals"))
    try run.line("ready")
    try run.send(Signal(number: SIGSEGV, description: "SEGV"))
    try run.stop(.code(0))
    #expect(run.signals == ["got TERM"])
  }

  @Test(arguments: ["memfd_create", "pidfd_open"])
  func `ebb as plain tini runs without memfd_create and pidfd_open`(call: String) throws {
    let command = testApp("signals", "--exit-on", "USR2:5")
    let run = try ebb(as: "tini").start(["-s", "--"] + command, launch: ["--refuse", call])
    try run.line("ready")
    try run.deliver(.sighup)
    try run.send(.sigusr2)
    try run.expect(.code(5))
    #expect(run.err.text == "", "\(run)")
  }

  @Test func `ebb as plain tini exits with 1 if it cannot supervise a command`() throws {
    let run = try ebb(as: "tini").start(["-s", "--"] + testApp("stay"), launch: ["--refuse", "epoll_create1"])
    try run.expect(.code(1))
    #expect(run.out.text == "")
  }

  @Test(
    .needs(.strace),
    arguments: ["epoll_create1", "epoll_ctl", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime"])
  func `ebb as plain tini forwards signals even if Dispatch fails after the command's start`(call: String) throws {
    let strace = [
      installed("strace"), "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
      "inject=\(call):error=ENOMEM:when=2",
    ]
    let command = testApp("signals", "--exit-on", "QUIT:5")
    let run = try Run.program(strace + [Init.link("tini"), "-s", "--"] + command, .withTraffic)
    let tini = pid_t(try run.line("ready").number("ppid"))
    for _ in 0..<2 {
      kill(tini, SIGHUP)
      try run.line("got HUP")
    }
    kill(tini, SIGQUIT)
    try run.expect(.code(5))
    #expect(run.err.text == "", "\(run)")
  }

  // MARK: In an image

  @Test(.needs(.runc), arguments: [nil, "EBB_DELAY"] as [String?])
  func `an image with tini keeps the delay with ebb mounted over tini and EBB_DELAY`(variable: String?) throws {
    let tini = try #require(installedPath(of: "tini-static"))
    for isMounted in [false, true] {
      var setup = LaunchOptions.withTraffic
      if let variable { setup.environment[variable] = "2s" }
      let container = try Container(
        entry: ["/usr/bin/tini", "--"], ["/TestApp", "signals"], files: ["/usr/bin/tini": tini],
        mounts: isMounted ? ["/usr/bin/tini": Binaries.ebb()] : [:], setup)
      try container.run.line("ready")
      let sent = try container.kill(.sigterm)
      try container.run.expect(.code(0))
      let waited = Clock.now() - sent >= .seconds(2)
      let isAwake = isMounted && variable != nil
      #expect(!isAwake || waited, "\(container.run)")
      #expect(container.run.err.text.contains("event=exited code=0") == isAwake, "\(container.run)")
      #expect(isAwake || container.run.err.text == "", "\(container.run)")
    }
  }
}
