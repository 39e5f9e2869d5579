import CPlatform
import Platform
import Supervision

/// One smoke run: starts the supervisor, loads the command, stops it, and notes what happens. What that means is
/// decided by `smokeChecks`.
final class SmokeRun {
  private let options: SmokeOptions
  private let supervisor: SmokeSupervisor
  private let targets: [ReadinessCheck]
  private let facts: SmokeFacts
  private let showsProgress: Bool
  private let client: SmokeClient
  private var page: StatusReader?
  private var stage = Stage.starting
  /// By then everything is over, whatever happens.
  private var deadline: Instant

  private var nextRequest: Instant
  private var requestCount = 0
  private var nextSlow: Instant
  /// While starting: the target that has not answered yet, and why.
  private var asked = 0
  private var problem: String?
  private var nextLook: Instant

  private enum Stage {
    case starting
    case serving(until: Instant)
    /// The stop signal has been sent; requests go on for a while.
    case stopping(loadUntil: Instant)
  }

  /// The supervisor is looked at this often.
  private static let tick = Span.milliseconds(10)
  private static let startPace = Span.milliseconds(100)
  private static let slowPace = Span.milliseconds(100)
  private static let lookPace = Span.milliseconds(500)

  init(_ options: SmokeOptions, _ supervisor: SmokeSupervisor, startedAt: Instant, showsProgress: Bool) {
    (self.options, self.supervisor, self.showsProgress) = (options, supervisor, showsProgress)
    targets = options.slow.map { options.targets + [.http($0)] } ?? options.targets
    client = SmokeClient(targets, timeout: options.timeout)
    facts = SmokeFacts(options, startedAt: startedAt)
    deadline = startedAt + options.readyTimeout + options.duration + options.longestStop
    (nextRequest, nextSlow, nextLook) = (startedAt, startedAt, startedAt)
    client.report = { [self] outcome in note(outcome) }
  }

  /// Returns what was seen. Throws where nothing was. Whatever way it ends, nothing of it is left.
  func run() throws(Complaint) -> SmokeFacts {
    defer {
      supervisor.killAll()
      showProgress("")
    }
    try loop()
    supervisor.killAll()
    try finish()
    return facts
  }

  private func loop() throws(Complaint) {
    while true {
      if let signal = supervisor.look() {
        throw Complaint(message: "ended by SIG\(signal.name): nothing of the run is left")
      }
      let now = monotonicTime()
      facts.end = supervisor.end
      try readPage()
      lookAtProcesses(at: now)
      try advance(at: now)
      if isOver(at: now) { return client.giveUp() }
      sendRequests(at: now)
      try client.work(besides: supervisor.signals, within: SmokeRun.tick)
      showProgress(smokeProgress(facts, at: now))
    }
  }

  private func isOver(at now: Instant) -> Bool {
    if now >= deadline { return true }
    guard facts.end != nil else { return false }
    // With --lag, whoever comes too late finds nobody.
    if options.lag != nil, loads(at: now) { return false }
    return client.isIdle || facts.readyAt == nil
  }
}

// MARK: - The supervisor

extension SmokeRun {
  private func readPage() throws(Complaint) {
    if page == nil, facts.end == nil { page = try openPage() }
    // A half-written page is whole at the next look.
    if let status = try? page?.read() { facts.see(status) }
  }

  /// Nil: there is none yet.
  private func openPage() throws(Complaint) -> StatusReader? {
    do throws(StatusReaderError) {
      return try StatusReader.open(pid: supervisor.pid)
    } catch {
      switch error {
      case .noSuchProcess, .notASupervisor, .noProc: return nil
      case .denied(let error), .failed(let error):
        throw Complaint(message: "cannot look into the supervisor, process \(supervisor.pid): \(error.text)")
      }
    }
  }

  private func advance(at now: Instant) throws(Complaint) {
    switch stage {
    case .starting: try advanceStart(at: now)
    case .serving(let until):
      guard facts.end == nil, now >= until, canStop(until) else { return }
      if let status = try? page?.read() {
        facts.seeLast(readDescendants(of: supervisor.pid), of: supervisor.pid, status)
      }
      // That took its time, and an answer may have come meanwhile.
      try client.work(besides: -1, within: .zero)
      guard canStop(until) else { return }
      facts.stoppedAt = monotonicTime()
      try stop()
    case .stopping: return
    }
  }

  private func advanceStart(at now: Instant) throws(Complaint) {
    if case .failed = facts.start { return }
    if facts.stopBeganAt != nil {
      facts.start = .failed("it was not ready within \(options.readyTimeout.text)")  // the supervisor's own patience
    } else if let end = facts.end {
      facts.start = .failed("the command exited with \(end.status.code) before it was ready")
    } else if isReady {
      facts.start = .ready(at: now)
      stage = .serving(until: now + options.duration)
      (nextRequest, nextSlow) = (now, now)
    } else if now >= facts.startedAt + options.readyTimeout {
      facts.start = .failed("it was not ready within \(options.readyTimeout.text)\(problem.map { ": \($0)" } ?? "")")
      try stop()
    }
  }

  private var isReady: Bool {
    facts.phase == .serving && !facts.commandHasExited
      && (!options.run.readiness.isEmpty || asked >= options.targets.count)
  }

  /// As an orchestrator does it.
  private func stop() throws(Complaint) {
    let now = monotonicTime()
    deadline = min(deadline, now + options.longestStop)
    stage = .stopping(loadUntil: now + options.loadAfterStop)
    guard let page, let signal = facts.stopSignal else { return }
    do throws(Errno) {
      try page.send(signal)
    } catch {
      guard error.code == ESRCH else { throw Complaint(message: "cannot stop the supervisor: \(error.text)") }
    }
  }

  /// What the supervisor leaves when it has ended.
  private func finish() throws(Complaint) {
    try readPage()
    let left = supervisor.readReport()
    // Where the orchestrator would find it.
    if !left.isEmpty { writeTerminationLog(left, to: options.run.terminationLog) }
    facts.report = FinalReport(left)
    if facts.report == nil, facts.phase == nil {
      throw Complaint(message: "smoke: the command was not started, so there is nothing to say of its shutdown")
    }
    facts.retries = client.retries
    if facts.readyAt != nil { try lookForListeners() }
  }

  private func lookForListeners() throws(Complaint) {
    let limit = min(deadline, monotonicTime() + .seconds(1))
    for index in targets.indices { client.begin(.connection, to: index, at: monotonicTime()) }
    while !client.isIdle, monotonicTime() < limit { try client.work(besides: -1, within: SmokeRun.tick) }
  }
}

// MARK: - Requests

extension SmokeRun {
  private func loads(at now: Instant) -> Bool {
    switch stage {
    case .starting: return false
    case .serving: return true
    case .stopping(let until):
      guard facts.stoppedAt != nil, now < until else { return false }
      return options.lag != nil || (facts.phase ?? .exited) <= .delaying
    }
  }

  private func sendRequests(at now: Instant) {
    if case .starting = stage { return askWhetherReady(at: now) }
    guard loads(at: now) else { return }
    let count = options.targets.count
    while count > 0, now >= nextRequest {
      client.begin((requestCount / count) % 2 == 0 ? .fresh : .kept, to: requestCount % count, at: now)
      requestCount += 1
      // Late, it goes on at its pace: to catch up would be another load than the one asked for.
      nextRequest = max(nextRequest, now - SmokeRun.tick) + Span(nanoseconds: 1_000_000_000 / Int64(options.rate))
    }
    if options.slow != nil, now >= nextSlow {
      for kind in [SmokeClient.Kind.slow, .slowKept] where !client.has(kind) { client.begin(kind, to: count, at: now) }
      nextSlow = now + SmokeRun.slowPace
    }
  }

  private func askWhetherReady(at now: Instant) {
    guard options.run.readiness.isEmpty, asked < options.targets.count, client.isIdle, now >= nextRequest,
      facts.phase == .serving
    else { return }
    client.begin(.fresh, to: asked, at: now)
    nextRequest = now + SmokeRun.startPace
  }

  /// At the stop signal the slow requests have to be on their way. One that is answered at once never is for long.
  private func canStop(_ until: Instant) -> Bool {
    options.slow == nil || client.hasSlowInFlight || monotonicTime() >= until + .seconds(1)
  }

  private func note(_ outcome: SmokeClient.Outcome) {
    if outcome.kind == .connection {
      if outcome.problem == nil { facts.openPort = targets[outcome.target].addresses.first?.port }
    } else if case .starting = stage {
      problem = outcome.problem
      if outcome.problem == nil { asked += 1 }
    } else if facts.readyAt != nil {
      facts.requestEnded(
        outcome.problem, begun: outcome.begun, isSlow: outcome.kind.isSlow, at: monotonicTime(),
        time: unixMilliseconds())
    }
  }
}

// MARK: - Processes and progress

extension SmokeRun {
  /// While requests come, at which lazy parents look for dead children, and no longer.
  private func lookAtProcesses(at now: Instant) {
    guard case .serving = stage, facts.end == nil, now >= nextLook else { return }
    facts.see(readDescendants(of: supervisor.pid), of: supervisor.pid)
    nextLook = now + SmokeRun.lookPace
  }

  /// On one line, over what was there; empty: away with it.
  private func showProgress(_ text: String) {
    guard showsProgress else { return }
    try? printOut(Array("\u{1b}[K\(text)\r".utf8))
  }
}
