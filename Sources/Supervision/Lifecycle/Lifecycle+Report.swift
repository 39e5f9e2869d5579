import Primitives

extension Lifecycle {
  func report(code: Int, at now: Instant) -> LogRecord {
    var status: ExitStatus?
    var commandEnded = now
    if case .exited(let how, _, let at) = command { (status, commandEnded) = (how, at) }
    var signal: Signal?
    if case .killed(let by, _) = status { signal = by }
    let killed = killing?.hitCommand == true && (signal == .sigkill || status == nil && !isOutOfReach)
    let atKill = LogRecord.Field("at_kill", .count(killed ? stop?.inFlightBeforeKill : nil))
    // Typed arrays, concatenated in a separate expression: Swift 6.2 cannot type-check a single large one.
    let stopped: [(String, FieldValue)] = [
      ("code", .number(code)), ("signal", .signal(signal)), ("killed", .flag(killed)),
      ("stop_signal", .signal(stop.flatMap { $0.isStartupTimeout ? nil : $0.signal })),
      ("startup_timed_out", .flag(stop?.isStartupTimeout ?? false)),
      ("delay_ms", .span(stop.flatMap { stop in stop.delayEnded.map { $0.at - stop.since } })),
      ("delay_ended_by", stop?.delayEnded.map { .text($0.by) } ?? .null),
      ("drain_ms", .span(stop.flatMap(drainTime))),
      ("drain_ended_by", stop?.drainEndedBy.map { .text($0.name) } ?? .null),
      ("stop_ms", .span(stop?.forwarding.map { commandEnded - $0.at })),
      ("stop_ended_by", stop?.forwarding == nil ? .null : .text(killed ? "deadline" : "exit")),
    ]
    let traffic = trafficReport.fields(delay: times.delay, serverAdvice: serverAdvice, later: [atKill])
    let others: [(String, FieldValue)] = [
      ("pre_stop", hook.map { .object($0.fields.map { LogRecord.Field($0.0, $0.1) }) } ?? .null),
      ("leftovers", leftoversEnd.map { .text($0) } ?? .null),
      ("oom_kills", (outOfMemoryKills ?? 0) > 0 ? .count(outOfMemoryKills) : .null),
      ("reaped", .number(orphansReaped)),
    ]
    return LogRecord(
      isCrash(status) ? .warning : stop == nil ? .debug : .info, "exited", stopped + traffic + others,
      sentence(status: status, killed: killed))
  }

  private var leftoversEnd: String? {
    guard let leftovers else { return nil }
    return killing != nil ? "killed" : leftovers.hasHeads ? "ended" : nil
  }

  /// Returns the time from the end of the delay to the end of the drain; `nil` if there was no drain.
  private func drainTime(_ stop: Stop) -> TimeAmount? {
    guard let forwarding = stop.forwarding, let delayEnded = stop.delayEnded else { return nil }
    return forwarding.at - delayEnded.at
  }

  /// The report on the traffic so far.
  var trafficReport: TrafficReport {
    var report = traffic?.report ?? TrafficReport()
    report.inFlightAtForward = stop?.forwarding?.inFlight
    report.drainEndedBy = stop?.drainEndedBy
    report.wasSteady = stop?.forwarding?.trafficWasSteady
    return report
  }

  private func sentence(status: ExitStatus?, killed: Bool) -> String {
    if status == nil, isOutOfReach { return "the command is still running; no signal reaches it" }
    if killed { return "the command did not stop in time and was killed at the deadline" }
    if stop?.isStartupTimeout == true { return "the command was not ready in time and was stopped" }
    let kills = outOfMemoryKills ?? 0
    let memory =
      kills > 0 ? "; its memory control group counts \(kills) out-of-memory kill\(kills > 1 ? "s" : "")" : ""
    switch status {
    case .exited(let code): return "the command exited with \(code)\(memory)"
    case .killed(let signal, let dumpedCore):
      return "the command was killed by SIG\(signal.name)\(dumpedCore ? ", core dumped" : "")\(memory)"
    case nil: return "the command is still running"
    }
  }
}

extension Lifecycle {
  /// Returns `snapshot`. Mutating, although it changes nothing: the event loop calls this after each event, and for a
  /// getter the compiler would copy the whole lifecycle, which is 1 kB.
  package mutating func takeSnapshot() -> StatusSnapshot { snapshot }

  /// The content of the status page.
  package var snapshot: StatusSnapshot {
    var snapshot = StatusSnapshot(since: phaseSince)
    snapshot.phase = phase
    snapshot.isReady = phase == .serving
    snapshot.readyUntil = readyUntil
    switch command {
    case .notStarted: break
    case .running(let pid, _): snapshot.command = .running(pid: pid)
    case .exited(let status, _, _): snapshot.command = .exited(code: status.code)
    }
    if let stop {
      snapshot.stop = StatusSnapshot.Stop(
        signal: stop.signal, since: stop.since, delayEndsAt: stop.forwardAt,
        forwardAt: hookRuns || waitsForTraffic ? stop.drainEndsAt : stop.forwardAt, forwardedAt: stop.forwarding?.at)
      snapshot.stop?.sends =
        isOutOfReach ? nil : stop.isDelegated ? stop.signal : options.rewrites.apply(to: stop.signal)
      snapshot.stop?.traffic = trafficReport
    }
    snapshot.connections = traffic?.sample.map { StatusSnapshot.Connections($0) }
    snapshot.killAt = killAt
    snapshot.isOutOfReach = isOutOfReach
    snapshot.received = signalsReceived
    snapshot.forwarded = signalsForwarded
    snapshot.reaped = orphansReaped
    return snapshot
  }
}
