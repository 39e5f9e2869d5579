import Testing

@testable import Supervision

@Suite struct KnownServerTests {
  @Test(arguments: [
    ("nginx", KnownServer.nginx), ("openresty", .nginx), ("php-fpm", .phpFPM), ("php-fpm8.2", .phpFPM),
    ("php-fpm83", .phpFPM), ("httpd", .httpd), ("apache2", .httpd), ("haproxy", .haproxy), ("postgres", .postgres),
    ("lighttpd", .lighttpd), ("uwsgi", .uwsgi), ("uwsgi-core", .uwsgi),
  ])
  func `a process name is recognised`(name: String, server: KnownServer) {
    #expect(KnownServer(processName: name) == server)
  }

  @Test(arguments: [
    "", "nginx-debug", "nginxx", "ngin", "java", "php", "php-fpm-exporter", "postgres_exporte", "sh", "apache2ctl",
  ])
  func `any other name is not`(name: String) { #expect(KnownServer(processName: name) == nil) }

  @Test func `the signals to look for are those of the table`() {
    let signals = KnownServer.allCases.compactMap { $0.facts.gracefulStop }
    #expect(KnownServer.gracefulStops == SignalSet(signals) && signals.count == 6)
    #expect(Lifecycle.imageStopSignals.signals.map { $0.name } == ["QUIT", "USR1", "WINCH", "RTMIN+3"])
  }

  @Test(arguments: [
    (KnownServer.nginx, "nginx stops at once on SIGTERM and cuts requests in flight: use --rewrite TERM:QUIT"),
    (
      .phpFPM,
      "php-fpm stops at once on SIGTERM and cuts requests in flight: use --rewrite TERM:QUIT, and "
        + "process_control_timeout in php-fpm.conf"
    ),
    (.postgres, "postgres waits for every client on SIGTERM: use --rewrite TERM:INT"),
    (.uwsgi, "uwsgi reloads on SIGTERM and does not exit: use --rewrite TERM:INT, or its option die-on-term"),
  ])
  func `advice is the server's own`(server: KnownServer, advice: String) { #expect(server.advice == advice) }
}

/// What the lifecycle makes of what the command is.
@Suite struct LifecycleCommandTests {
  private struct Story {
    var lifecycle: Lifecycle
    var lines: [LogRecord] = []

    init(_ change: (inout RunOptions) -> Void = { _ in }) {
      var options = RunOptions()
      options.verboseCount = 2
      change(&options)
      lifecycle = Lifecycle(options)
      at(0, .spawned(pid: 7, hasTerminal: false))
    }

    @discardableResult
    mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
      let actions = lifecycle.handle(event, at: .at(milliseconds))
      for case .log(let record) in actions { lines.append(record) }
      return actions
    }

    /// As the event loop does it.
    mutating func signal(_ signal: Signal, at milliseconds: Int, command: String) -> Bool {
      let begins =
        lifecycle.mustPrepare(for: signal, at: .at(milliseconds))
        && lifecycle.prepare(for: signal, processName: command, at: .at(milliseconds))
      at(milliseconds, .signal(signal))
      return begins
    }

    func line(_ event: String) -> LogRecord? { lines.first { $0.event.isSame(as: event) } }
    func count(_ event: String) -> Int { lines.count { $0.event.isSame(as: event) } }
  }

  @Test(arguments: [("nginx", Signal.quit), ("httpd", .windowChange), ("haproxy", .user1), ("postgres", .interrupt)])
  func `the signal of a recognised server begins the stop`(name: String, signal: Signal) {
    var story = Story()
    let begins = story.signal(signal, at: 10, command: name)
    #expect(begins && story.lifecycle.phase == .delaying && story.lifecycle.snapshot.stop?.signal == signal)
    #expect(story.lifecycle.snapshot.stop?.sends == signal)
  }

  @Test(arguments: [("java", Signal.quit), ("nginx", .windowChange), ("haproxy", .quit), ("bash", .interrupt)])
  func `another signal, or another command, is passed on`(name: String, signal: Signal) {
    var story = Story()
    let begins = story.signal(signal, at: 10, command: name)
    #expect(!begins && story.lifecycle.phase == .serving && story.count("forwarded") == 1)
  }

  @Test func `a list in place of auto recognises nothing`() {
    var story = Story { ($0.stopSignals, $0.recognisesServers) = (SignalSet([.terminate]), false) }
    let begins = story.signal(.quit, at: 10, command: "nginx")
    #expect(!begins && story.lifecycle.phase == .serving)
  }

  @Test func `a recognised signal that is dropped begins no stop`() {
    var story = Story { $0.rewrites.add(from: .windowChange, to: nil) }
    let begins = story.signal(.windowChange, at: 10, command: "apache2")
    #expect(!begins && story.lifecycle.phase == .serving)
  }

  @Test func `a signal that began no stop is not looked at again for a second, another one is`() {
    var story = Story()
    let begins = story.signal(.user1, at: 10, command: "sh")
    #expect(!begins)
    func mustPrepare(_ signal: Signal, at milliseconds: Int) -> Bool {
      story.lifecycle.mustPrepare(for: signal, at: .at(milliseconds))
    }
    #expect(!mustPrepare(.user1, at: 1009))
    #expect(mustPrepare(.user1, at: 1010))
    #expect(mustPrepare(.quit, at: 11))
  }

  @Test func `in a stop the recognised signal is a repeated one`() {
    var story = Story()
    let begins = story.signal(.terminate, at: 10, command: "nginx")
    let mustPrepare = story.lifecycle.mustPrepare(for: .quit, at: .at(15))
    #expect(begins && !mustPrepare)
    let actions = story.at(20, .signal(.quit))
    #expect(
      actions.allSatisfy { if case .log = $0 { true } else { false } } && story.count("repeated-stop-signal") == 1)
  }

  @Test func `the server that runs when the signal comes counts, not an earlier one`() {
    var story = Story()
    let begins = [story.signal(.quit, at: 10, command: "entrypoint.sh"), story.signal(.quit, at: 20, command: "nginx")]
    #expect(begins == [false, true])
  }

  @Test(arguments: [(29_000, 1), (30_009, 1), (30_011, 0)])
  func `an end within the grace period after such a signal is warned of`(end: Int, warnings: Int) {
    var story = Story()
    story.at(5, .listenersSeen(.ofTree))
    _ = story.signal(.quit, at: 10, command: "app")
    story.at(end, .commandExited(.exited(code: 0)))
    story.at(end, .reapedAll(childrenRemain: false))
    #expect(story.count("missed-stop-signal") == warnings)
  }

  @Test(arguments: [Signal.hangup, .user2, .interrupt])
  func `after other signals it is not`(signal: Signal) {
    var story = Story()
    story.at(5, .listenersSeen(.ofTree))
    _ = story.signal(signal, at: 10, command: "app")
    story.at(20, .commandExited(.exited(code: 0)))
    story.at(20, .reapedAll(childrenRemain: false))
    #expect(story.count("missed-stop-signal") == 0)
  }

  @Test func `a command that never listened is not warned of either`() {
    var story = Story()
    story.at(5, .listenersSeen(.none))
    _ = story.signal(.quit, at: 10, command: "app")
    story.at(20, .commandExited(.killed(by: .quit, dumpedCore: false)))
    story.at(20, .reapedAll(childrenRemain: false))
    #expect(story.count("missed-stop-signal") == 0)
  }

  // MARK: Crashes

  @Test(arguments: [
    (ExitStatus.exited(code: 1), true, LogLevel.warning), (.exited(code: 1), false, .debug),
    (.exited(code: 0), true, .debug),
    (.killed(by: .kill, dumpedCore: false), false, .warning),
    (.killed(by: .interrupt, dumpedCore: false), true, .debug),
    (.killed(by: .hangup, dumpedCore: false), true, .debug), (.killed(by: .pipe, dumpedCore: false), true, .debug),
  ])
  func `an end without a stop is a warning where it is a crash`(status: ExitStatus, listened: Bool, level: LogLevel) {
    var story = Story()
    story.at(5, .listenersSeen(listened ? .ofTree : .none))
    story.at(20, .commandExited(status))
    story.at(20, .reapedAll(childrenRemain: false))
    #expect(story.line("exited")?.level == level)
  }

  @Test func `a code that is remapped to 0 is no crash`() {
    var story = Story { $0.remaps = [ExitCodeRemap(from: 143, to: 0)] }
    story.at(20, .commandExited(.killed(by: .terminate, dumpedCore: false)))
    story.at(20, .reapedAll(childrenRemain: false))
    #expect(story.line("exited")?.level == .debug)
  }

  @Test(arguments: [
    (0, "the command was killed by SIGKILL"),
    (1, "the command was killed by SIGKILL; its memory control group counts 1 out-of-memory kill"),
    (2, "the command was killed by SIGKILL; its memory control group counts 2 out-of-memory kills"),
  ])
  func `out-of-memory kills are in the last line`(kills: Int, message: String) {
    var story = Story()
    story.lifecycle.outOfMemoryKills = kills
    story.at(20, .commandExited(.killed(by: .kill, dumpedCore: false)))
    story.at(20, .reapedAll(childrenRemain: false))
    #expect(story.line("exited")?.message == message)
  }

  // MARK: Out of reach

  @Test func `what cannot be signalled is said once, and at the deadline ebb exits at once`() {
    var story = Story()
    story.at(1000, .reachSeen(.none(user: 999)))
    story.at(1001, .reachSeen(.none(user: 999)))
    #expect(story.count("out-of-reach") == 1 && story.line("out-of-reach")?.level == .warning)
    story.at(2000, .signal(.terminate))
    let forwarding = story.at(7000, .timer) + story.at(17_000, .timer)
    #expect(!forwarding.contains { if case .send = $0 { true } else { false } })
    #expect(story.line("stopping")?.message.contains("was not sent") == true)
    let lines = story.lines.map { $0.message }
    #expect(!lines.contains { $0.contains("SIGKILL in ") || $0.contains("has been told") }, "\(lines)")
    let end = story.at(31_000, .timer)
    #expect(end.contains { if case .exit(code: 137, _) = $0 { true } else { false } })
    #expect(story.line("exited")?.message == "the command is still there: no signal reaches it")
    #expect(story.count("unkillable") == 0)
  }

  // MARK: Looks

  @Test func `it is looked at twice, and once where it listens`() {
    var story = Story()
    var waits = [story.lifecycle.waitForLook()]
    var listening = story
    listening.at(1000, .listenersSeen(.uncountable))
    let wait = listening.lifecycle.waitForLook()
    #expect(wait == nil)
    story.at(1000, .listenersSeen(.none))
    waits.append(story.lifecycle.waitForLook())
    story.at(30_000, .listenersSeen(.none))
    waits.append(story.lifecycle.waitForLook())
    #expect(waits == [.seconds(1), .seconds(29), nil])
  }

  @Test func `a daemon is looked for once, after an exit with 0`() {
    var story = Story()
    story.at(10, .commandExited(.exited(code: 0)))
    let looks = [story.lifecycle.mustLookAtLeftovers(), story.lifecycle.mustLookAtLeftovers()]
    #expect(looks == [true, false])
    story.at(10, .leftoversListen(port: 80, .nginx))
    #expect(
      story.line("daemon")?.message.hasSuffix("which is stopped: run it in the foreground: nginx -g 'daemon off;'")
        == true)
    var failed = Story()
    failed.at(10, .commandExited(.exited(code: 1)))
    let mustLook = failed.lifecycle.mustLookAtLeftovers()
    #expect(!mustLook)
  }
}

@Suite struct MemoryEventsTests {
  @Test func `the files of both versions`() {
    let list = "9:name=systemd:/\n4:memory:/kubepods/pod1\n3:cpu,cpuacct:/x\n0::/app\nrubbish\n"
    #expect(
      memoryGroupFiles(Array(list.utf8)) == [
        "/sys/fs/cgroup/memory/kubepods/pod1/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control",
        "/sys/fs/cgroup/app/memory.events", "/sys/fs/cgroup/memory.events",
      ])
  }

  @Test func `the count of either version`() {
    #expect(outOfMemoryKills(events: Array("low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n".utf8)) == 2)
    #expect(outOfMemoryKills(events: Array("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n".utf8)) == 1)
    #expect(outOfMemoryKills(events: Array("oom_kill_disable 0\nunder_oom 0\n".utf8)) == nil)
    #expect(outOfMemoryKills(events: []) == nil)
  }
}

@Suite struct UnknownVariableTests {
  @Test(arguments: [
    ("EBB_DELAYS", "EBB_DELAY"), ("EBB_TERMINATION_GRACE", "EBB_TERMINATION_GRACE_PERIOD"),
    ("EBB_READY_HTPP", "EBB_READY_HTTP"),
    ("EBB_STOP_SIGNAL", "EBB_STOP_SIGNALS"), ("EBB_LOGS", "EBB_LOG"), ("EBB_", "EBB_LOG"),
  ])
  func `the nearest name is proposed`(name: String, nearest: String) {
    #expect(problem(withVariable: name)?.hasSuffix(": did you mean \(nearest)?") == true)
  }

  @Test func `known names and those of Kubernetes are left alone`() {
    let names =
      RunOptions.table.map { $0.shape.variable } + [
        "EBB_SERVICE_HOST", "EBB_SERVICE_PORT", "EBB_SERVICE_PORT_HTTP", "EBB_PORT", "EBB_PORT_80_TCP",
        "EBB_PORT_80_TCP_ADDR",
        "EBB_SIGNAL",
      ]
    for name in names { #expect(problem(withVariable: name) == nil) }
  }

  @Test func `a very long name is no trouble`() {
    #expect(problem(withVariable: "EBB_" + String(repeating: "X", count: 100_000)) != nil)
  }
}
