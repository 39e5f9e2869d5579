import Testing

@testable import HTTP
@testable import LinuxFormats
@testable import Primitives
@testable import Smoke
@testable import Supervision

/// A smoke run without faults, to which a test adds one. Times are milliseconds since its start: the command is ready at
/// 400, gets the stop signal at 3400, which is forwarded at 8400, and exits at 9200.
struct SmokeStory {
  var options = SmokeOptions()
  var processes = [process(7, "app", caught: [.sigterm])]
  var status = Status.example
  var report = "ebb: event=exited killed=false delay_ms=5000 drain_ms=0 stop_ms=800"
  var end: ExitStatus? = .exited(code: 0)
  var isReady = true
  var isStopped = true
  var answersBefore: (SmokeObservations) -> Void = { _ in }
  var change: (SmokeObservations) -> Void = { _ in }

  init() {
    options.run.orchestrator = .kubernetes
    if let url = HTTPURL(text: "http://localhost:8080/") { options.targets = [.http(url)] }
    status.info = SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app"], options: options.run)
    status.snapshot.stop = StatusSnapshot.Stop(
      signal: .sigterm, since: .at(3400), delayEndsAt: .at(8400), forwardAt: .at(8400), forwardedAt: .at(8400))
  }

  var facts: SmokeObservations {
    let fields = SmokeObservations(options, startedAt: .at(0))
    if isReady { fields.start = .ready(at: .at(400)) }
    for moment in [500, 600] { fields.requestEnded(nil, began: .at(moment), isSlow: false, at: .at(moment), time: 0) }
    answersBefore(fields)
    if isStopped {
      fields.recordBeforeStop(processes, of: 1, status)
      fields.stoppedAt = .at(3390)
    }
    for moment in [4000, 5000] { fields.requestEnded(nil, began: .at(moment), isSlow: false, at: .at(moment), time: 0) }
    fields.record(status)
    fields.report = FinalReport(Array(report.utf8))
    fields.end = end.map { ($0, .at(9200)) }
    change(fields)
    return fields
  }

  func check(_ name: String) throws -> SmokeCheck {
    try #require(SmokeReport(facts).checks.first { $0.name == name })
  }

  /// Adds a request that fails.
  static func failure(_ reason: String, begun: Int, ended: Int, isSlow: Bool = false) -> (SmokeObservations) -> Void {
    { $0.requestEnded(reason, began: .at(begun), isSlow: isSlow, at: .at(ended), time: 1_769_860_637_000 + ended) }
  }
}

@Suite struct SmokeCheckTests {
  private func expect(
    _ name: String, _ result: SmokeCheck.Result, _ detail: String, _ change: (inout SmokeStory) -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var scenario = SmokeStory()
    change(&scenario)
    let check = try scenario.check(name)
    #expect(check.result == result && check.detail == detail, "\(check)", sourceLocation: sourceLocation)
  }

  @Test func `a smoke run without faults passes each check or says why it is skipped`() throws {
    let scenario = SmokeStory()
    let results = SmokeReport(scenario.facts).checks.map { "\($0.result) \($0.name): \($0.detail)" }
    #expect(
      results == [
        "pass ready-in-time: after 0.4s", "pass no-failed-requests-before-stop: 2 answered",
        "pass no-failed-requests-during-delay: 2 answered", "skip slow-request-answered: no --slow",
        "pass stop-signal-handled: pid 7 `app` got SIGTERM and exited 0.8s later",
        "pass exited-within-grace: 0.8s after SIGTERM, SIGKILL would have come after 24s", "pass exit-code: 0",
        "pass no-leftovers: the command was the last to exit", "pass listener-closed: no listening socket is left",
        "pass no-zombies: no process was left as a zombie",
        "skip delay-sufficient: no --lag: requests came until the end of the delay, and no later ones",
        "pass time-to-exit: 5.8s after the stop signal: the delay 5.0s, the drain 0.0s, the command 0.8s",
      ])
    #expect(SmokeReport(scenario.facts).passed)
    scenario.options.targets = []
    let skipped = SmokeReport(scenario.facts).checks.filter { $0.result == .skip }.map { $0.name }
    #expect(
      skipped == [
        "no-failed-requests-before-stop", "no-failed-requests-during-delay", "slow-request-answered", "listener-closed",
        "delay-sufficient",
      ])
  }

  @Test func `a smoke run of a command that is never ready fails that check and skips the others`() {
    var scenario = SmokeStory()
    (scenario.isReady, scenario.isStopped) = (false, false)
    scenario.change = { $0.start = .failed("it was not ready within 30s: refused") }
    let checks = SmokeReport(scenario.facts).checks
    #expect(checks.first?.result == .fail)
    #expect(checks.first?.detail == "it was not ready within 30s: refused")
    #expect(checks.dropFirst().allSatisfy { $0.result == .skip && $0.detail == "it was never ready" })
    scenario.change = { _ in }
    #expect(SmokeReport(scenario.facts).checks.first?.detail == "it was not ready within 30s")
  }

  @Test func `a smoke run fails if the command exits before the stop signal is forwarded`() throws {
    try expect("stop-signal-handled", .fail, "the command exited with 3 by itself, before the stop signal") {
      ($0.isStopped, $0.end, $0.status.snapshot.stop) = (false, .exited(code: 3), nil)
    }
    try expect("exit-code", .skip, "it had exited before the stop signal") { $0.isStopped = false }
    try expect("no-zombies", .pass, "no process was left as a zombie") { $0.isStopped = false }
    try expect(
      "stop-signal-handled", .fail,
      "the command exited with 0 during the delay: something other than ebb stopped it"
    ) { $0.status.snapshot.stop?.forwardedAt = nil }
  }

  @Test func `a smoke run fails for a lost request only if it began before the forwarding`() throws {
    try expect(
      "no-failed-requests-before-stop", .fail,
      "1 of 3 failed, the first: 502 11:57:18: requests fail before any stop; check the app's log, or lower --rate"
    ) { $0.change = SmokeStory.failure("502", begun: 1000, ended: 1001) }
    // One began before the stop signal and was lost after it, the other began just before the forwarding.
    for (begun, ended) in [(3300, 3401), (8399, 8500)] {
      try expect(
        "no-failed-requests-during-delay", .fail,
        "1 of 3 failed, the first: reset 11:57:2\(ended < 4000 ? 0 : 5): "
          + "it must keep serving until SIGTERM, and then finish requests in flight"
      ) { $0.change = SmokeStory.failure("reset", begun: begun, ended: ended) }
    }
    // One that began after the forwarding need not be answered.
    let late = SmokeStory.failure("refused", begun: 8401, ended: 8401)
    try expect("no-failed-requests-during-delay", .pass, "2 answered") { $0.change = late }
    var scenario = SmokeStory()
    scenario.change = late
    #expect(SmokeReport(scenario.facts).passed)
    #expect(scenario.facts.total == 4)
    #expect(scenario.facts.failed == 0)
    scenario.options.lag = .seconds(6)
    #expect(!SmokeReport(scenario.facts).passed)
    #expect(scenario.facts.total == 5)
    #expect(scenario.facts.failed == 1)
  }

  @Test func `a smoke run reports the requests that were retried`() throws {
    var scenario = SmokeStory()
    scenario.change = { $0.retries = 3 }
    let check = try scenario.check("no-failed-requests-during-delay")
    #expect(check.result == .pass)
    #expect(check.detail.hasPrefix("2 answered, 3 retried because the server closed"))
  }

  @Test func `a smoke run checks a slow request that is in flight at the stop signal`() throws {
    let slow = HTTPURL(text: "http://localhost/slow")
    try expect("slow-request-answered", .skip, "none was sent") { $0.options.slow = slow }
    try expect("slow-request-answered", .pass, "2 answered, the longest took 2.5s") {
      $0.options.slow = slow
      $0.change = {
        $0.requestEnded(nil, began: .at(3000), isSlow: true, at: .at(5500), time: 0)
        $0.requestEnded(nil, began: .at(5500), isSlow: true, at: .at(6000), time: 0)
      }
    }
    try expect(
      "slow-request-answered", .skip,
      "1 answered, but none was in flight at SIGTERM: --slow needs one that takes longer"
    ) {
      $0.options.slow = slow
      $0.answersBefore = { $0.requestEnded(nil, began: .at(500), isSlow: true, at: .at(3380), time: 0) }
    }
    try expect(
      "slow-request-answered", .fail,
      "1 of 1 failed, the first: closed 11:57:25: finish requests in flight at SIGTERM, or let --drain wait for them"
    ) {
      $0.options.slow = slow
      $0.change = SmokeStory.failure("closed", begun: 8000, ended: 8400, isSlow: true)
    }
    try expect(
      "slow-request-answered", .fail,
      "1 of 1 failed, the first: closed 11:57:46: killed with it in flight: raise --termination-grace-period"
    ) {
      $0.options.slow = slow
      $0.report = "ebb: event=exited killed=true"
      $0.change = SmokeStory.failure("closed", begun: 8000, ended: 29_000, isSlow: true)
    }
  }

  @Test func `a --slow URL that only gets error statuses is named as the cause`() throws {
    try expect(
      "slow-request-answered", .fail,
      "1 of 1 failed, the first: 404 11:57:25: name a URL for --slow that answers with 2xx or 3xx"
    ) {
      $0.options.slow = HTTPURL(text: "http://localhost/slow")
      $0.change = SmokeStory.failure("404", begun: 8000, ended: 8400, isSlow: true)
    }
  }

  @Test func `a smoke run explains what the stop signal did to the command`() throws {
    let killed = "ebb: event=exited killed=true stop_ms=24000"
    func scenario(_ processes: [ProcessDetails], _ report: String) -> (inout SmokeStory) -> Void {
      {
        $0.processes = processes
        $0.report = report
        $0.end = .exited(code: 137)
      }
    }
    try expect(
      "stop-signal-handled", .fail, "pid 7 `app` ignores SIGTERM and will be killed at the deadline",
      scenario([process(7, "app", ignored: [.sigterm])], killed))
    try expect(
      "stop-signal-handled", .fail,
      "pid 7 `app` got SIGTERM, but did not exit: its handler must end it, and the connections that clients keep open",
      scenario([process(7, "app", caught: [.sigterm])], killed))
    try expect(
      "stop-signal-handled", .fail,
      "pid 7 `bash` got SIGTERM, but did not exit: a shell handles the signal only after its child exits: use exec",
      scenario([process(7, "bash", caught: [.sigterm]), process(9, parent: 7, depth: 1, "app")], killed))
    try expect(
      "stop-signal-handled", .fail,
      "pid 7 `sh` dies of SIGTERM immediately and does not wait for its children, whose exit code is lost: use exec",
      scenario(
        [process(7, "sh"), process(9, parent: 7, depth: 1, "app", caught: [.sigterm])],
        "ebb: event=exited killed=false leftovers=ended"))
    try expect(
      "stop-signal-handled", .pass,
      "pid 7 `app` has no handler for SIGTERM and died immediately: requests in flight are lost",
      scenario([process(7, "app")], "ebb: event=exited killed=false"))
    try expect("stop-signal-handled", .fail, "--rewrite drops the stop signal: only SIGKILL ends the command") {
      var options = RunOptions()
      options.rewrites.add(from: .sigterm, to: nil)
      $0.status.snapshot.stop?.sends = nil
      $0.status.info = SupervisorInfo(pid: 1, startedAt: .at(0), argv: [], options: options)
    }
    try expect("stop-signal-handled", .pass, "the command got SIGTERM and exited 0.8s later") { $0.processes = [] }
  }

  @Test func `a smoke run fails if the command has to be killed or something still listens`() throws {
    try expect(
      "exited-within-grace", .fail,
      "killed at the deadline, 5.8s after the stop signal: make it exit sooner, or raise --termination-grace-period "
        + "here and in the orchestrator"
    ) { $0.report = "ebb: event=exited killed=true" }
    try expect(
      "exited-within-grace", .fail,
      "still running after --termination-grace-period 30s; killed together with the supervisor"
    ) { $0.end = nil }
    try expect("exited-within-grace", .pass, "0.8s after SIGTERM, SIGKILL would have come after 3.0s") {
      $0.options.run.grace = .seconds(3)
    }
    try expect("time-to-exit", .skip, "it had to be killed") { $0.end = nil }
    try expect(
      "listener-closed", .fail,
      "something still listens on port 8080: a process that is not a descendant of the command"
    ) {
      $0.change = { $0.openPort = 8080 }
    }
  }

  @Test func `a smoke run passes the exit codes 0 and 128 with the stop signal, or the expected one`() throws {
    try expect("exit-code", .pass, "143: died of SIGTERM") { $0.end = .exited(code: 143) }
    let advice = "orchestrators treat it as a crash; see --remap-exit, --expect-exit"
    try expect("exit-code", .fail, "3, expected 0 or 143: \(advice)") { $0.end = .exited(code: 3) }
    try expect("exit-code", .pass, "3") { ($0.end, $0.options.expectedExit) = (.exited(code: 3), 3) }
    try expect("exit-code", .fail, "0, expected 3: \(advice)") { $0.options.expectedExit = 3 }
    try expect("exit-code", .pass, "131: died of SIGQUIT") {
      var options = RunOptions()
      options.rewrites.add(from: .sigterm, to: .sigquit)
      $0.status.info = SupervisorInfo(pid: 1, startedAt: .at(0), argv: [], options: options)
      $0.status.snapshot.stop?.sends = .sigquit
      $0.end = .exited(code: 131)
    }
  }

  @Test func `a smoke run fails for processes left behind and for lasting zombies`() throws {
    try expect(
      "no-leftovers", .fail,
      "the command exited before its descendants (pid 9 `worker` and 1 more), which had to be killed: "
        + "it must stop them and wait for them"
    ) {
      $0.report = "ebb: event=exited killed=false leftovers=killed"
      $0.processes += [
        process(8, parent: 7, depth: 1, "gone", "Z"), process(9, parent: 7, depth: 1, "worker"),
        process(10, parent: 9, depth: 2, "other"),
      ]
    }
    try expect(
      "no-leftovers", .fail, "the command exited before its descendants: it must stop them and wait for them"
    ) { $0.report = "ebb: event=exited killed=false leftovers=ended" }
    let zombie = process(9, parent: 7, depth: 1, "worker", "Z")
    try expect("no-zombies", .fail, "pid 9 `worker` is dead, and its parent, pid 7, does not wait for it") {
      $0.change = {
        $0.record([zombie], of: 1); $0.record([zombie], of: 1)
      }
    }
    try expect("no-zombies", .pass, "no process was left as a zombie") {
      $0.change = {
        $0.record([zombie], of: 1)
        $0.record([process(9, parent: 7, depth: 1, "worker"), process(10, "own", "Z")], of: 1)
        $0.record([process(10, "own", "Z")], of: 1)
      }
    }
  }

  @Test func `a smoke run with --lag fails if requests within it are refused`() throws {
    try expect("delay-sufficient", .pass, "requests came until +4.0s, the last new connection at +3.9s") {
      $0.options.lag = .seconds(4)
      $0.report += " last_connection_ms=3900"
    }
    try expect(
      "delay-sufficient", .pass,
      "requests came until +6.0s; only the drain has saved the last ones: use --delay 6s or more"
    ) { $0.options.lag = .seconds(6) }
    try expect(
      "delay-sufficient", .fail,
      "1 requests within 6s of the stop signal failed because the app had already stopped: use --delay 6s or more"
    ) {
      $0.options.lag = .seconds(6)
      $0.change = SmokeStory.failure("refused", begun: 8900, ended: 8901)
    }
  }
}
