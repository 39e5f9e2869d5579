import LifecycleModel
import Testing

@testable import Primitives
@testable import Supervision

/// A run that logs everything.
private func verbose(_ change: (inout RunOptions) -> Void = { _ in }) -> Scenario {
  Scenario {
    $0.verboseCount = 2
    change(&$0)
  }
}

extension Scenario {
  /// Handles a signal as the event loop does. Returns whether it begins a stop.
  fileprivate mutating func signal(_ signal: Signal, at milliseconds: Int, command: String) -> Bool {
    let begins =
      lifecycle.mustPrepare(for: signal, at: .at(milliseconds))
      && lifecycle.prepare(for: signal, processName: command, at: .at(milliseconds))
    at(milliseconds, .signal(signal))
    return begins
  }

  fileprivate func record(_ event: String) -> LogRecord? { records.first { $0.event == event } }
}

/// What the lifecycle does for a known server, an unreachable command, a daemon or a crash.
@Suite struct LifecycleCommandTests {
  @Test(arguments: [("nginx", Signal.sigquit), ("httpd", .sigwinch), ("haproxy", .sigusr1), ("postgres", .sigint)])
  func `the graceful-stop signal of a recognised server begins a stop`(name: String, signal: Signal) {
    var scenario = verbose()
    let begins = scenario.signal(signal, at: 10, command: name)
    #expect(begins)
    #expect(scenario.lifecycle.phase == .delaying)
    #expect(scenario.lifecycle.snapshot.stop?.signal == signal)
    #expect(scenario.lifecycle.snapshot.stop?.sends == signal)
  }

  @Test(arguments: [("java", Signal.sigquit), ("nginx", .sigwinch), ("haproxy", .sigquit), ("bash", .sigint)])
  func `a signal that is not the recognised server's own is only forwarded`(name: String, signal: Signal) {
    var scenario = verbose()
    let begins = scenario.signal(signal, at: 10, command: name)
    #expect(!begins)
    #expect(scenario.lifecycle.phase == .serving)
    #expect(scenario.count("forwarded") == 1)
  }

  @Test func `with a list in place of --stop-signals auto no server is recognised`() {
    var scenario = verbose { ($0.stopSignals, $0.recognisesServers) = (SignalSet([.sigterm]), false) }
    let begins = scenario.signal(.sigquit, at: 10, command: "nginx")
    #expect(!begins)
    #expect(scenario.lifecycle.phase == .serving)
  }

  @Test func `a server's own stop signal that --rewrite drops begins no stop`() {
    var scenario = verbose { $0.rewrites.add(from: .sigwinch, to: nil) }
    let begins = scenario.signal(.sigwinch, at: 10, command: "apache2")
    #expect(!begins)
    #expect(scenario.lifecycle.phase == .serving)
  }

  @Test func `the command is not inspected again for the same signal within a second`() {
    var scenario = verbose()
    let begins = scenario.signal(.sigusr1, at: 10, command: "sh")
    #expect(!begins)
    func mustPrepare(_ signal: Signal, at milliseconds: Int) -> Bool {
      scenario.lifecycle.mustPrepare(for: signal, at: .at(milliseconds))
    }
    #expect(!mustPrepare(.sigusr1, at: 1009))
    #expect(mustPrepare(.sigusr1, at: 1010))
    #expect(mustPrepare(.sigquit, at: 11))
  }

  @Test func `in a stop the recognised server's signal counts as a repeated stop signal`() {
    var scenario = verbose()
    let begins = scenario.signal(.sigterm, at: 10, command: "nginx")
    let mustPrepare = scenario.lifecycle.mustPrepare(for: .sigquit, at: .at(15))
    #expect(begins)
    #expect(!mustPrepare)
    let actions = scenario.at(20, .signal(.sigquit))
    #expect(actions.allSatisfy { if case .log = $0 { true } else { false } })
    #expect(scenario.count("repeated-stop-signal") == 1)
  }

  @Test func `the server is recognised when the signal arrives, not at the start`() {
    var scenario = verbose()
    let begins = [
      scenario.signal(.sigquit, at: 10, command: "entrypoint.sh"), scenario.signal(.sigquit, at: 20, command: "nginx"),
    ]
    #expect(begins == [false, true])
  }

  @Test(arguments: [(29_000, 1), (30_009, 1), (30_011, 0)])
  func `an exit within the grace period after an image's stop signal that began no stop is warned of`(
    end: Int, warnings: Int
  ) {
    var scenario = verbose()
    scenario.at(5, .listenersSeen(.ofTree))
    _ = scenario.signal(.sigquit, at: 10, command: "app")
    scenario.exit(at: end)
    #expect(scenario.count("missed-stop-signal") == warnings)
  }

  @Test(arguments: [Signal.sighup, .sigusr2, .sigint])
  func `an exit after a signal that no image uses as its stop signal is not warned of`(signal: Signal) {
    var scenario = verbose()
    scenario.at(5, .listenersSeen(.ofTree))
    _ = scenario.signal(signal, at: 10, command: "app")
    scenario.exit(at: 20)
    #expect(scenario.count("missed-stop-signal") == 0)
  }

  /// For the ebb below the signal may have begun a stop.
  @Test func `an exit of a command that is an ebb itself is not warned of`() {
    var scenario = verbose()
    scenario.at(5, .listenersSeen(.ofTree))
    _ = scenario.signal(.sigquit, at: 10, command: "ebb")
    scenario.exit(at: 20)
    #expect(scenario.count("missed-stop-signal") == 0)
  }

  @Test func `an exit of a command that never listened is not warned of`() {
    var scenario = verbose()
    scenario.at(5, .listenersSeen(.none))
    _ = scenario.signal(.sigquit, at: 10, command: "app")
    scenario.exit(.killed(by: .sigquit, dumpedCore: false), at: 20)
    #expect(scenario.count("missed-stop-signal") == 0)
  }

  // MARK: Crashes

  @Test(arguments: [
    (ExitStatus.exited(code: 1), true, LogLevel.warning), (.exited(code: 1), false, .debug),
    (.exited(code: 0), true, .debug),
    (.killed(by: .sigkill, dumpedCore: false), false, .warning),
    (.killed(by: .sigint, dumpedCore: false), true, .debug),
    (.killed(by: .sighup, dumpedCore: false), true, .debug), (.killed(by: .sigpipe, dumpedCore: false), true, .debug),
  ])
  func `an exit without a stop is a warning if it is a crash`(status: ExitStatus, listened: Bool, level: LogLevel) {
    var scenario = verbose()
    scenario.at(5, .listenersSeen(listened ? .ofTree : .none))
    scenario.exit(status, at: 20)
    #expect(scenario.record("exited")?.level == level)
  }

  @Test func `an exit code that is remapped to 0 is not a crash`() {
    var scenario = verbose { $0.exitCodeRemaps = [ExitCodeRemap(from: 143, to: 0)] }
    scenario.exit(.killed(by: .sigterm, dumpedCore: false), at: 20)
    #expect(scenario.record("exited")?.level == .debug)
  }

  @Test(arguments: [
    (0, "the command was killed by SIGKILL"),
    (1, "the command was killed by SIGKILL; its memory control group counts 1 out-of-memory kill"),
    (2, "the command was killed by SIGKILL; its memory control group counts 2 out-of-memory kills"),
  ])
  func `the last line reports out-of-memory kills of the memory control group`(kills: Int, message: String) {
    var scenario = verbose()
    scenario.lifecycle.outOfMemoryKills = kills
    scenario.exit(.killed(by: .sigkill, dumpedCore: false), at: 20)
    #expect(scenario.record("exited")?.message == message)
  }

  // MARK: Out of reach

  @Test func `a command out of reach is warned of once, and ebb exits at the deadline`() {
    var scenario = verbose()
    scenario.at(1000, .reachSeen(.none(user: 999)))
    scenario.at(1001, .reachSeen(.none(user: 999)))
    #expect(scenario.count("out-of-reach") == 1)
    #expect(scenario.record("out-of-reach")?.level == .warning)
    scenario.at(2000, .signal(.sigterm))
    let forwarding = scenario.at(7000, .timer) + scenario.at(17_000, .timer)
    #expect(!forwarding.contains { if case .send = $0 { true } else { false } })
    #expect(scenario.record("stopping")?.message.contains("was not sent") == true)
    let lines = scenario.records.map { $0.message }
    #expect(!lines.contains { $0.contains("SIGKILL in ") || $0.contains("sent the stop signal") }, "\(lines)")
    let end = scenario.at(31_000, .timer)
    #expect(end.contains { if case .exit(code: 137, _) = $0 { true } else { false } })
    #expect(scenario.record("exited")?.message == "the command is still running; no signal reaches it")
    #expect(scenario.count("unkillable") == 0)
  }

  // MARK: Inspections

  @Test func `an idle command is inspected twice, and not again once it listens`() {
    var scenario = verbose()
    var waits = [scenario.lifecycle.waitForLook()]
    var listening = scenario
    listening.at(1000, .listenersSeen(.uncountable))
    let wait = listening.lifecycle.waitForLook()
    #expect(wait == nil)
    scenario.at(1000, .listenersSeen(.none))
    waits.append(scenario.lifecycle.waitForLook())
    scenario.at(30_000, .listenersSeen(.none))
    waits.append(scenario.lifecycle.waitForLook())
    #expect(waits == [.seconds(1), .seconds(29), nil])
  }

  @Test func `leftovers are checked once for a daemon, after an exit with 0`() {
    var scenario = verbose()
    scenario.at(10, .commandExited(.exited(code: 0)))
    let looks = [scenario.lifecycle.mustLookAtLeftovers(), scenario.lifecycle.mustLookAtLeftovers()]
    #expect(looks == [true, false])
    scenario.at(10, .leftoversListen(port: 80, .nginx))
    #expect(
      scenario.record("daemon")?.message.hasSuffix("stopping it: run it in the foreground: nginx -g 'daemon off;'")
        == true)
    var failed = verbose()
    failed.at(10, .commandExited(.exited(code: 1)))
    let mustLook = failed.lifecycle.mustLookAtLeftovers()
    #expect(!mustLook)
  }
}
