extension Lifecycle {
  /// As `snapshot`. Mutating, though it changes nothing: the event loop asks after each event, and for a getter the compiler
  /// would copy the whole lifecycle, a kilobyte.
  package mutating func takeSnapshot() -> StatusSnapshot { snapshot }

  /// What a status page shows.
  package var snapshot: StatusSnapshot {
    var snapshot = StatusSnapshot(since: phaseSince ?? Instant(nanoseconds: 0))
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
        forwardAt: hookRuns || waitsForTraffic ? stop.drainEndsAt : stop.forwardAt, forwardedAt: stop.forwardedAt)
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
