import Foundation
import TestSupport
import Testing

/// `ebb status`, which reads a supervisor without its cooperation.
@Suite(.endsItsProcesses)
struct StatusTests {
  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `ebb status prints the state of a supervisor that is PID 1`() throws {
    let inside = try PIDNamespace.ebb(["--delay", "20s"], testApp("signals"))
    try inside.run.wait(for: "the command to sleep") { try Proc.state(of: inside.run.command()) == "S" }
    let serving = try inside.ebb("status")
    #expect(serving.exit == .code(0) && serving.err == "", "\(serving)")
    let lines = serving.out.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0].hasPrefix("ebb "))
    #expect(lines[0].contains(", pid 1: serving for "))
    #expect(lines[0].hasSuffix("s, ready"))
    #expect(lines[1] == "command   pid 2: \(Binaries.testApp) signals")
    #expect(lines[2].hasPrefix("uptime    "))
    #expect(lines[3] == "signals   0 received, 0 forwarded")
    #expect(lines[4] == "orphans   0 reaped")
    #expect(lines[5].hasPrefix("stop      by SIGTERM (default); delay "), "\(serving)")
    #expect(lines[7].hasPrefix("PID  STATE") && lines[7].hasSuffix("SIGTERM  NAME"), "\(serving)")
    // TestApp waits with sigwaitinfo(2), during which the kernel does not show the signals as blocked.
    #expect(lines[8].hasPrefix("  2  sleeping") && lines[8].hasSuffix("caught   TestApp"), "\(serving)")
    #expect(lines.count == 10 && lines[9] == "", "\(serving)")

    try inside.run.deliver(.sigusr1)
    try inside.run.send(.sigterm)
    try inside.run.line("", on: inside.run.err)
    let delaying = try inside.ebb("status")
    #expect(delaying.out.contains("pid 1: delaying for ") && delaying.out.contains("s, not ready\n"), "\(delaying)")
    #expect(delaying.out.contains("\nsignals   2 received, 1 forwarded\n"), "\(delaying)")
    #expect(delaying.out.contains("\nstop      SIGTERM came "), "\(delaying)")
    #expect(delaying.out.contains("\n          SIGTERM is forwarded in "), "\(delaying)")
    #expect(try delaying.out.span(after: "\n          SIGKILL in ") <= .seconds(29), "\(delaying)")
  }

  @Test(arguments: PIDRole.possible)
  func `ebb status --json has the documented keys before and during a stop`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "20s"], testApp("stay", "--ignore", "HUP"), in: place)
    let serving = try CommandResult.ebb("status", "--json", about: run).json()
    let keys = [
      "schema", "version", "pid", "phase", "ready", "uptime_ms", "command", "stop", "reaped", "connections",
      "processes", "plan", "out_of_reach",
    ]
    #expect(Set(serving.keys) == Set(keys))
    #expect(serving["schema"] as? Int == 1)
    #expect(serving["pid"] as? Int == Int(try run.supervisor()))
    #expect(serving["phase"] as? String == "serving")
    #expect(serving["ready"] as? Bool == true)
    #expect(serving["stop"] is NSNull)
    #expect(serving["connections"] is NSNull)
    let command = serving["command"] as? [String: Any]
    #expect(command?["pid"] as? Int == Int(try run.command()))
    #expect(command?["argv"] as? [String] == testApp("stay", "--ignore", "HUP"))
    let process = (serving["processes"] as? [[String: Any]])?.first
    #expect(Set(process?.keys.map { $0 } ?? []) == ["pid", "ppid", "name", "state", "rss_bytes", "age_ms", "term"])
    #expect(process?["name"] as? String == "TestApp")
    #expect(process?["term"] as? String == "default")
    #expect((process?["rss_bytes"] as? Int ?? 0) > 1000)

    try run.send(.sigterm)
    try run.line("", on: run.err)
    let delaying = try CommandResult.ebb("status", "--json", about: run).json()
    #expect(delaying["phase"] as? String == "delaying")
    #expect(delaying["ready"] as? Bool == false)
    let stop = delaying["stop"] as? [String: Any]
    #expect(stop?["signal"] as? String == "TERM")
    #expect((0...20_000).contains(stop?["since_ms"] as? Int ?? -1))
    #expect((0...20_000).contains(stop?["forward_in_ms"] as? Int ?? -1))
    #expect((0...29_000).contains(stop?["kill_in_ms"] as? Int ?? -1))
  }

  @Test func `ebb status shows how each process reacts to SIGTERM`() throws {
    let script = "\(Binaries.testApp) stay; :"
    let run = try Run.ebb([], ["/bin/sh", "-c", script])
    let child = try run.line("ready").number("pid")
    let shell = try run.command()
    let answer = try CommandResult.ebb("status", about: run)
    #expect(
      answer.out.hasSuffix(
        """

        pid \(shell) `sh` dies of SIGTERM immediately and does not wait for its children, whose exit code is lost: use exec
        pid \(child) `TestApp` has no handler for SIGTERM and dies immediately; requests in flight are lost

        """), "\(answer)")

    let deaf = try Run.ebb([], testApp("stay", "--ignore", "TERM"))
    let pid = try deaf.line("ready").number("pid")
    #expect(
      try CommandResult.ebb("status", about: deaf).out
        .hasSuffix("\npid \(pid) `TestApp` ignores SIGTERM and will be killed at the deadline\n"))

    let blocking = try Run.ready([], ["/bin/sh", "-c", "exec \(Binaries.testApp) stay"], .launch("--block", "TERM"))
    #expect(try CommandResult.ebb("status", about: blocking).out.contains(" `TestApp` blocks SIGTERM: unless it waits"))
  }

  @Test func `ebb status escapes control characters in process names and arguments`() throws {
    let script = #"printf 'a\033[2J\nb' > /proc/$$/comm; echo ready; read forever"#
    let setup = LaunchOptions(typesInput: true)
    let run = try Run.ready([], ["/bin/sh", "-c", script, "\u{1b}]0;x\u{7}"], setup)
    let answer = try CommandResult.ebb("status", about: run)
    #expect(answer.exit == .code(0))
    #expect(answer.out.contains(#"a\u{1b}[2J\u{a}b"#) && answer.out.contains(#"\u{1b}]0;x\u{7}"#), "\(answer)")
    let json = try CommandResult.ebb("status", "--json", about: run).json()
    #expect((json["processes"] as? [[String: Any]])?.first?["name"] as? String == "a\u{1b}[2J\nb")
  }

  @Test func `ebb status reads a suspended supervisor and ebb stop reports that it does not stop`() throws {
    let run = try Run.ready([], testApp("stay"))
    try run.wait(for: "serving") { try CommandResult.ebb("status", about: run).out.contains(": serving for ") }
    kill(run.pid, SIGSTOP)
    try run.wait(for: "the supervisor to be suspended") { Proc.state(of: run.pid) == "T" }
    #expect(try CommandResult.ebb("status", about: run).out.contains(": serving for "))
    let stop = try CommandResult.ebb("stop", about: run)
    #expect(stop.exit == .code(125))
    #expect(
      stop.err == "ebb: process \(run.pid) has been sent the stop signal, but has not begun to stop within 5s\n",
      "\(stop)")
  }

  /// The supervisor writes through a mapping, and would get SIGBUS behind the end of a truncated file.
  @Test func `another process cannot truncate the status page`() throws {
    let run = try Run.ready([], testApp("signals"))
    try run.waitForPage(of: run.pid)
    let number = Proc.descriptors(of: run.pid).first { $0.value.contains("ebb-status") }?.key
    let page = open("/proc/\(run.pid)/fd/\(try #require(number))", O_RDWR)
    defer { close(page) }
    for size in [0, 100, 8192] {
      let (result, error) = (ftruncate(page, off_t(size)), errno)
      #expect(result == -1)
      #expect(error == EPERM)
    }
    try run.deliver(.sigusr1)
    try run.wait(for: "the count") {
      try CommandResult.ebb("status", about: run).out.contains("\nsignals   1 received, 1 forwarded\n")
    }
  }

  /// strace delays the supervisor where it starts to count, which is the last action after a stop signal.
  @Test(.needs(.strace)) func `ebb updates the status page before it writes a log line`() throws {
    let server = try ServedApp(["--delay", "15s"])
    let tracer = try server.run.inject("socket:delay_enter=3000000")
    try server.stop()
    try server.run.event("stop-signal")
    let status = try CommandResult.ebb("status", "--json", about: server.run).json()
    #expect(status["phase"] as? String == "delaying" && status["ready"] as? Bool == false, "\(status)")
    try tracer.detach()
  }

  /// strace delays the supervisor between its page and its event loop, which must not restart the phase.
  @Test(.needs(.strace)) func `the phase serving lasts from the start of ebb`() throws {
    let strace = [installed("strace"), "-f", "-e", "inject=epoll_create1:delay_enter=2000000"]
    let run = try Run.program(strace + ["-o", "/dev/null", Binaries.ebb(), "--"] + testApp("signals"))
    let supervisor = try run.line("ready").number("ppid")
    kill(supervisor, SIGUSR1)
    try run.line("got USR1")
    let status = try CommandResult(try Run.ebb(arguments: ["status", "--pid", "\(supervisor)"])).out
    #expect(try status.span(after: "serving for ") == status.span(after: "\nuptime    "), "\(status)")
    #expect(try status.span(after: "\nuptime    ") >= .seconds(2), "\(status)")
  }

  @Test func `the command does not inherit the status page`() throws {
    let run = try Run.ready([], testApp("stay"))
    try run.waitForPage(of: run.pid)
    #expect(!Proc.descriptors(of: try run.command()).values.contains { $0.contains("ebb-status") })
  }
}

/// The search for the supervisor.
@Suite(.endsItsProcesses)
struct StatusSearchTests {
  @Test(.needs(.pidNamespace), .needs(.root), .needs(.program("nsenter")))
  func `a process with a forged status page is not taken for a supervisor`() throws {
    let pod = try PIDNamespace.other()
    let real = try pod.startSupervisor(testApp("signals"))
    let pid = try #require(try pod.ebb("status", "--json").json()["pid"] as? Int)
    for user in ["65534", "0"] {
      let forger = try pod.start(testApp("forge", "\(pid)", user))
      try forger.line("ready")
    }
    // A supervisor of another user.
    let other = try pod.start(testApp("launch", "--uid", "65534", "--", Binaries.ebb(), "--") + testApp("stay"))
    try other.line("ready")
    #expect(try pod.ebb("probe").exit == .code(0))
    let status = try pod.ebb("status", "--json")
    #expect(try status.json()["pid"] as? Int == pid, "\(status)")
    #expect(try pod.ebb("stop", "--now").exit == .code(0))
    try real.run.expect(.code(0))
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")))
  func `ebb status finds the inner one of two nested supervisors`() throws {
    let pod = try PIDNamespace.other()
    let upper = try pod.startSupervisor([try Binaries.ebb(), "--"] + testApp("stay"))
    try upper.run.wait(for: "the lower one") { Proc.children(of: upper.pid).count == 1 }
    try upper.run.waitForPage(of: try #require(Proc.children(of: upper.pid).first))
    let command = try pod.ebb("status", "--json").json()["command"] as? [String: Any]
    #expect(command?["argv"] as? [String] == testApp("stay"))
    #expect(try pod.ebb("probe").exit == .code(0))
  }

  @Test(.needs(.pidNamespace), .needs(.program("nsenter")), .needs(.program("unshare")))
  func `with several supervisors in a PID namespace ebb status lists them and other commands require --pid`() throws {
    let pod = try PIDNamespace.other()
    let none = try pod.ebb("status")
    #expect(none.exit == .code(125))
    #expect(none.out == "")
    #expect(none.err == "ebb: no supervisor found: no ebb runs here; for a container use docker exec or kubectl exec\n")

    let first = try pod.startSupervisor(testApp("stay"))
    #expect(try pod.ebb("status").out.hasPrefix("ebb "))
    #expect(try pod.ebb("probe").exit == .code(0))

    _ = try pod.startSupervisor(testApp("stay", "--ignore", "HUP"))
    let list = try pod.ebb("status")
    let lines = list.out.split(separator: "\n")
    #expect(list.exit == .code(0) && lines.count == 3, "\(list)")
    #expect(lines[0] == "several supervisors here, --pid chooses one:")
    #expect(lines[1].hasPrefix("pid "))
    #expect(lines[1].hasSuffix(": serving, ready, \(Binaries.testApp) stay"))
    #expect(lines[2].hasSuffix(": serving, ready, \(Binaries.testApp) stay --ignore HUP"))
    let pids = lines.dropFirst().map { String($0.split(separator: " ")[1].dropLast()) }
    for words in [["status", "--json"], ["probe"], ["stop"], ["status", "--watch"]] {
      let refused = try CommandResult(try pod.start([Binaries.ebb()] + words))
      #expect(refused.exit == .code(125))
      #expect(
        refused.err == "ebb: there are several supervisors, choose one with --pid: \(pids.joined(separator: " "))\n")
    }
    #expect(try pod.ebb("status", "--pid", pids[1]).out.contains("\(Binaries.testApp) stay --ignore HUP\n"))
    let stop = try pod.ebb("stop", "--now", "--pid", pids[0])
    #expect(stop.exit == .code(0), "\(stop)")
    try first.run.expect(.code(143))
    #expect(try pod.ebb("status", "--json").json()["pid"] as? Int == Int(pids[1]))

    // Containers that share a PID namespace have their own mount namespaces, which identify the supervisor.
    let third = try pod.startSupervisor(testApp("stay", "--ignore", "INT"), ownMounts: true)
    let own = try CommandResult(try PIDNamespace.start(besides: third.pid, [Binaries.ebb(), "status"]))
    #expect(own.out.contains("\(Binaries.testApp) stay --ignore INT\n"), "\(own)")
    #expect(own.out.contains("\nother supervisors here, --pid chooses one:\npid \(pids[1]): serving"), "\(own)")
    #expect(try CommandResult(try PIDNamespace.start(besides: third.pid, [Binaries.ebb(), "probe"])).exit == .code(0))
  }

  @Test(.needs(.root))
  func `ebb status, probe and stop refuse a supervisor of another user`() throws {
    let run = try Run.ready([], testApp("stay"))
    try run.waitForPage(of: run.pid)
    for words in [["status"], ["probe"], ["stop"]] {
      let answer = try CommandResult(
        try Run.ebb(arguments: words + ["--pid", "\(run.pid)"], .launch("--uid", "65534")))
      #expect(answer.exit == .code(125))
      #expect(
        answer.err
          == "ebb: cannot inspect process \(run.pid): Permission denied: it runs as user 0, and this is user 65534\n")
    }
    #expect(run.poll() == nil)
  }

  @Test func `ebb status names a missing process and a process that is not a supervisor`() throws {
    let run = try Run.program(testApp("stay"))
    try run.line("ready")
    let none = try CommandResult(try Run.ebb(arguments: ["status", "--pid", "\(run.pid)"]))
    #expect(none.exit == .code(125))
    #expect(none.err == "ebb: process \(run.pid) is not an ebb supervisor: it has no status page\n")
    let gone = try CommandResult(try Run.ebb(arguments: ["status", "--pid", "4194304"]))
    #expect(gone.exit == .code(125))
    #expect(gone.err == "ebb: there is no process 4194304 here\n")
  }

  @Test(.needs(.pidNamespace))
  func `ebb status, probe and stop exit with 125 without /proc`() throws {
    for words in [["status"], ["status", "--pid", "1"], ["probe"], ["stop"]] {
      let answer = try CommandResult(try Run.ebb(arguments: words, .launch("--pid-namespace-without-proc")))
      #expect(answer.exit == .code(125))
      #expect(
        answer.err == "ebb: cannot search for a supervisor: /proc is not mounted, or belongs to another PID namespace\n"
      )
    }
  }

  @Test(.needs(.runc))
  func `ebb status, probe and stop work in a container without capabilities`() throws {
    // runc forwards the SIGURG that Go's scheduler sends to itself, so only SIGTERM is counted.
    let container = try Container(["--delay", "20s"], ["/TestApp", "signals", "--only", "TERM"])
    try container.run.line("ready")
    try container.run.waitForPage(of: try container.supervisor())
    let status = try CommandResult(try container.exec(["/ebb", "status"]))
    #expect(status.exit == .code(0), "\(status)")
    #expect(status.out.contains(", pid 1: serving for ") && status.out.contains("\ncommand   pid "), "\(status)")
    #expect(status.out.contains("  caught   TestApp\n"), "\(status)")
    let json = try CommandResult(try container.exec(["/ebb", "status", "--json"])).json()
    #expect(json["pid"] as? Int == 1)
    #expect(json["ready"] as? Bool == true)
    #expect(try CommandResult(try container.exec(["/ebb", "probe"])).exit == .code(0))

    let stop = try CommandResult(try container.exec(["/ebb", "stop"]))
    #expect(stop.exit == .code(0), "\(stop)")
    #expect(try stop.out.span(after: "delaying, not ready; SIGTERM is forwarded in ") <= .seconds(20), "\(stop)")
    let probe = try CommandResult(try container.exec(["/ebb", "probe"]))
    #expect(probe.exit == .code(1) && probe.out.hasPrefix("not ready: delaying, the stop began "), "\(probe)")
    #expect(try CommandResult(try container.exec(["/ebb", "probe", "--live"])).exit == .code(0))
    _ = try CommandResult(try container.exec(["/ebb", "stop", "--now"]))
    try container.run.expect(.code(0))
    #expect(container.run.signals == ["got TERM"])
  }
}

/// `ebb status --watch`
@Suite(.endsItsProcesses)
struct StatusWatchTests {
  @Test func `ebb status --watch prints a line for each change until the supervisor exits`() throws {
    let run = try Run.ready(["--delay", "3s"], testApp("signals"))
    try run.waitForPage(of: run.pid)
    let sampler = try Run.ebb(arguments: ["status", "--watch", "--pid", "\(run.pid)"])
    try sampler.wait(for: "the first line") { sampler.out.lines.count == 1 }
    try run.send(.sigusr1)
    try sampler.wait(for: "the second line") { sampler.out.lines.count == 2 }
    try run.stop(.code(0))
    try sampler.expect(.code(0))
    try sampler.readToEnd()
    let lines = sampler.out.lines.map { String($0.split(separator: " ", maxSplits: 1)[1]) }
    #expect(lines[0] == "serving, ready; 0 received, 0 forwarded, 0 reaped")
    #expect(lines[1] == "serving, ready; 1 received, 1 forwarded, 0 reaped")
    #expect(try lines[2].span(after: "delaying, not ready; SIGTERM is forwarded in ") <= .seconds(3), "\(sampler)")
    #expect(lines.last == "exited, not ready; the command has exited with 0; 2 received, 2 forwarded, 0 reaped")
  }

  @Test func `ebb status --watch --json prints an object for each change`() throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals"))
    try run.waitForPage(of: run.pid)
    let sampler = try Run.ebb(arguments: ["status", "--watch", "--json", "--pid", "\(run.pid)"])
    try sampler.line("{\"schema\":1,")
    try run.send(.sigterm)
    try sampler.expect(.code(0))
    try sampler.readToEnd()
    #expect(sampler.out.lines.last?.contains("\"phase\":\"exited\"") == true, "\(sampler)")
  }

  @Test func `ebb status reads a consistent page during a storm of signals`() throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--only", "TERM"))
    try run.waitForPage(of: run.pid)
    let sampler = try Run.ebb(arguments: ["status", "--watch", "--json", "--pid", "\(run.pid)"])
    try sampler.line("{")
    let storm = try Run.program(testApp("burst", "\(run.pid)", "20000", "USR1", "USR2", "HUP"))
    for _ in 0..<20 {
      let answer = try CommandResult.ebb("status", about: run)
      #expect(answer.exit == .code(0) && answer.out.contains(": serving for "), "\(answer)")
    }
    try storm.expect(.code(0))
    try run.stop(.code(0))
    try sampler.expect(.code(0))
    try sampler.readToEnd()
    for line in sampler.out.lines {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }

  @Test func `on a terminal ebb status --watch redraws its report and ends by Ctrl-C`() throws {
    let run = try Run.ready([], testApp("stay"))
    try run.waitForPage(of: run.pid)
    var setup = LaunchOptions()
    setup.terminal = try Terminal()
    setup.launch = ["--session", "--terminal"]
    let sampler = try Run.ebb(arguments: ["status", "--watch", "--pid", "\(run.pid)"], setup)
    // CapturedOutput drops the escape characters.
    try sampler.line("[Hebb ")
    try sampler.line("[J[Hebb ")
    try sampler.type("\u{3}")
    try sampler.expect(.signal(SIGINT))
    #expect(run.poll() == nil)
  }
}
