import CPlatform
import HTTP
import Platform
import Primitives
import Smoke
import Supervision

/// One smoke run: starts the supervisor, sends requests, stops it, and records what `smokeChecks` judges.
final class SmokeRun {
  private let options: SmokeOptions
  private let supervisor: SmokeSupervisor
  private let targets: [ReadinessCheck]
  private let observations: SmokeObservations
  private let showsProgress: Bool
  private let client: LoadGenerator
  private var page: StatusPageReader?
  private var stage = Stage.starting
  /// The run ends by then in any case.
  private var deadline: Instant

  private var nextRequest: Instant
  private var requestCount = 0
  private var nextSlow: Instant
  /// While starting: the target that has not responded yet, and why.
  private var asked = 0
  private var problem: String?
  private var nextLook: Instant

  private enum Stage {
    case starting
    case serving(until: Instant)
    /// The stop signal has been sent; requests continue for a while.
    case stopping(loadUntil: Instant)
  }

  /// How often the supervisor is sampled.
  private static let pollInterval = TimeAmount.milliseconds(10)
  private static let readinessInterval = TimeAmount.milliseconds(100)
  private static let slowRequestInterval = TimeAmount.milliseconds(100)
  private static let processScanInterval = TimeAmount.milliseconds(500)

  init(_ options: SmokeOptions, _ supervisor: SmokeSupervisor, startedAt: Instant, showsProgress: Bool) {
    (self.options, self.supervisor, self.showsProgress) = (options, supervisor, showsProgress)
    targets = options.slow.map { options.targets + [.http($0)] } ?? options.targets
    client = LoadGenerator(targets, timeout: options.timeout)
    observations = SmokeObservations(options, startedAt: startedAt)
    deadline = startedAt + options.readyTimeout + options.duration + options.longestStop
    (nextRequest, nextSlow, nextLook) = (startedAt, startedAt, startedAt)
    client.report = { [self] outcome in note(outcome) }
  }

  /// Returns the observations. Throws if there are none. Leaves no process behind in any case.
  func run() throws(CommandError) -> SmokeObservations {
    defer {
      supervisor.killAll()
      showProgress("")
    }
    try loop()
    supervisor.killAll()
    try finish()
    return observations
  }

  private func loop() throws(CommandError) {
    while true {
      if let signal = supervisor.poll() {
        throw CommandError(message: "ended by SIG\(signal.name): all processes of the run have been stopped")
      }
      let now = monotonicTime()
      observations.end = supervisor.end
      try readPage()
      lookAtProcesses(at: now)
      try advance(at: now)
      if isOver(at: now) { return client.giveUp() }
      sendRequests(at: now)
      try client.work(besides: supervisor.signals, within: SmokeRun.pollInterval)
      showProgress(observations.progress(at: now))
    }
  }

  private func isOver(at now: Instant) -> Bool {
    if now >= deadline { return true }
    guard observations.end != nil else { return false }
    // With --lag, late requests must find a closed port.
    if options.lag != nil, loads(at: now) { return false }
    return client.isIdle || observations.readyAt == nil
  }
}

// MARK: - The supervisor

extension SmokeRun {
  private func readPage() throws(CommandError) {
    if page == nil, observations.end == nil { page = try openPage() }
    // A half-written page is complete at the next read.
    if let status = try? page?.read() { observations.record(status) }
  }

  /// Returns `nil` if there is no page yet. Throws if it cannot be read.
  private func openPage() throws(CommandError) -> StatusPageReader? {
    do throws(StatusPageReaderError) {
      return try StatusPageReader.open(pid: supervisor.pid)
    } catch {
      switch error {
      case .noSuchProcess, .notASupervisor, .noProc: return nil
      case .denied(let error), .failed(let error):
        throw CommandError(message: "cannot inspect the supervisor, process \(supervisor.pid): \(error.description)")
      }
    }
  }

  private func advance(at now: Instant) throws(CommandError) {
    switch stage {
    case .starting: try advanceStart(at: now)
    case .serving(let until):
      guard observations.end == nil, now >= until, canStop(until) else { return }
      if let status = try? page?.read() {
        observations.recordBeforeStop(readDescendants(of: supervisor.pid), of: supervisor.pid, status)
      }
      // That took time, and a response may have arrived.
      try client.work(besides: -1, within: .zero)
      guard canStop(until) else { return }
      observations.stoppedAt = monotonicTime()
      try stop()
    case .stopping: return
    }
  }

  private func advanceStart(at now: Instant) throws(CommandError) {
    if case .failed = observations.start { return }
    if observations.stopBeganAt != nil {
      // the supervisor's own timeout
      observations.start = .failed("it was not ready within \(options.readyTimeout.description)")
    } else if let end = observations.end {
      observations.start = .failed("the command exited with \(end.status.code) before it was ready")
    } else if isReady {
      observations.start = .ready(at: now)
      stage = .serving(until: now + options.duration)
      (nextRequest, nextSlow) = (now, now)
    } else if now >= observations.startedAt + options.readyTimeout {
      observations.start = .failed(
        "it was not ready within \(options.readyTimeout.description)\(problem.map { ": \($0)" } ?? "")")
      try stop()
    }
  }

  private var isReady: Bool {
    observations.phase == .serving && !observations.commandHasExited
      && (!options.run.readiness.isEmpty || asked >= options.targets.count)
  }

  /// Sends the stop signal, as an orchestrator does. Throws if that fails.
  private func stop() throws(CommandError) {
    let now = monotonicTime()
    deadline = min(deadline, now + options.longestStop)
    stage = .stopping(loadUntil: now + options.loadAfterStop)
    guard let page, let signal = observations.stopSignal else { return }
    do throws(Errno) {
      try page.send(signal)
    } catch {
      guard error.code == ESRCH else { throw CommandError(message: "cannot stop the supervisor: \(error.description)") }
    }
  }

  /// Reads what the supervisor leaves when it has ended. Throws if the command did not start.
  private func finish() throws(CommandError) {
    try readPage()
    let left = supervisor.readReport()
    // Where the orchestrator would find it.
    if !left.isEmpty { writeTerminationLog(left, to: options.run.terminationLog) }
    observations.report = FinalReport(left)
    if observations.report == nil, observations.phase == nil {
      throw CommandError(message: "smoke: the command did not start")
    }
    observations.retries = client.retries
    if observations.readyAt != nil { try lookForListeners() }
  }

  private func lookForListeners() throws(CommandError) {
    let limit = min(deadline, monotonicTime() + .seconds(1))
    for index in targets.indices { client.begin(.connection, to: index, at: monotonicTime()) }
    while !client.isIdle, monotonicTime() < limit { try client.work(besides: -1, within: SmokeRun.pollInterval) }
  }
}

// MARK: - Requests

extension SmokeRun {
  private func loads(at now: Instant) -> Bool {
    switch stage {
    case .starting: return false
    case .serving: return true
    case .stopping(let until):
      guard observations.stoppedAt != nil, now < until else { return false }
      return options.lag != nil || (observations.phase ?? .exited) <= .delaying
    }
  }

  private func sendRequests(at now: Instant) {
    if case .starting = stage { return askWhetherReady(at: now) }
    guard loads(at: now) else { return }
    let count = options.targets.count
    while count > 0, now >= nextRequest {
      client.begin((requestCount / count) % 2 == 0 ? .fresh : .kept, to: requestCount % count, at: now)
      requestCount += 1
      // If late, continue at the same pace: catching up would be a different load than requested.
      nextRequest =
        max(nextRequest, now - SmokeRun.pollInterval) + TimeAmount(nanoseconds: 1_000_000_000 / Int64(options.rate))
    }
    if options.slow != nil, now >= nextSlow {
      for kind in [LoadGenerator.Kind.slow, .slowKept] where !client.has(kind) {
        client.begin(kind, to: count, at: now)
      }
      nextSlow = now + SmokeRun.slowRequestInterval
    }
  }

  private func askWhetherReady(at now: Instant) {
    guard options.run.readiness.isEmpty, asked < options.targets.count, client.isIdle, now >= nextRequest,
      observations.phase == .serving
    else { return }
    client.begin(.fresh, to: asked, at: now)
    nextRequest = now + SmokeRun.readinessInterval
  }

  /// At the stop signal the slow requests must be in flight. One that is answered immediately rarely is: wait for 1 s.
  private func canStop(_ until: Instant) -> Bool {
    options.slow == nil || client.hasSlowInFlight || monotonicTime() >= until + .seconds(1)
  }

  private func note(_ outcome: LoadGenerator.Outcome) {
    if outcome.kind == .connection {
      if outcome.problem == nil { observations.openPort = targets[outcome.target].addresses.first?.port }
    } else if case .starting = stage {
      problem = outcome.problem
      if outcome.problem == nil { asked += 1 }
    } else if observations.readyAt != nil {
      observations.requestEnded(
        outcome.problem, began: outcome.began, isSlow: outcome.kind.isSlow, at: monotonicTime(),
        time: unixMilliseconds())
    }
  }
}

// MARK: - Processes and progress

extension SmokeRun {
  /// Only while requests come, because some parents reap their children only then.
  private func lookAtProcesses(at now: Instant) {
    guard case .serving = stage, observations.end == nil, now >= nextLook else { return }
    observations.record(readDescendants(of: supervisor.pid), of: supervisor.pid)
    nextLook = now + SmokeRun.processScanInterval
  }

  /// Overwrites the progress line; empty: erases it.
  private func showProgress(_ text: String) {
    guard showsProgress else { return }
    try? printOut(Array("\u{1b}[K\(text)\r".utf8))
  }
}
