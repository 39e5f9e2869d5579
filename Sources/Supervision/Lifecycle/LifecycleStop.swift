extension Lifecycle {
  mutating func beginStop(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    let begun = newStop(signal, at: now)
    let killIn = begun.killAt - now
    stop = begun
    guard commandRuns else {
      log(
        .info, "stop-signal", [("signal", .signal(signal)), ("kill_in_ms", .span(killAt.map { $0 - now }))],
        "the command has exited already: what it left behind is ending", &actions)
      return
    }
    guard phase > .starting else {
      log(
        .info, "stop-signal",
        [("signal", .signal(signal)), ("forward_in_ms", .span(.zero)), ("kill_in_ms", .span(killIn))],
        "the stop begins: the command is not ready, so no traffic is lost; SIGKILL in \(killIn.text)", &actions)
      return skipToForwarding(at: now, &actions)
    }
    log(
      .info, "stop-signal",
      [("signal", .signal(signal)), ("forward_in_ms", .span(options.delay)), ("kill_in_ms", .span(killIn))],
      "the stop begins: the command serves on for \(options.delay.text), SIGKILL in \(killIn.text)", &actions)
    enter(.delaying)
    if options.delay > .zero {
      log(
        .info, "delaying", [("for_ms", .span(options.delay))], "the command is untouched while routing changes",
        &actions)
    }
    beginCounting(at: now)
    if !options.preStop.isEmpty {
      hook = Hook(startedAt: now)
      actions.append(.startHook(signal))
    }
  }

  /// Every deadline of a stop, fixed once. None of them may push `killAt`: it is the orchestrator's time that runs out.
  /// So the drain ends in time for the grace that was asked for (a second, where none was), even if that cuts
  /// `drainTimeout` short.
  func newStop(_ signal: Signal, at now: Instant) -> Stop {
    let forwardAt = now + options.delay
    let killIn = options.terminationGracePeriod - options.killMargin
    let latest = now + (killIn - (options.grace ?? .seconds(1)))
    return Stop(
      signal: signal, since: now, forwardAt: forwardAt,
      drainEndsAt: max(forwardAt, min(forwardAt + options.drainTimeout, latest)), killAt: now + killIn)
  }

  /// Somebody wants no delay and no drain: `ebb stop --now`.
  mutating func stopNow(at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying || phase == .draining else { return }
    endDelay(by: "request", at: now, &actions)
    endDrain(by: .skipped, at: now, &actions)
  }

  mutating func passDeadline(at now: Instant, _ actions: inout [Action]) {
    switch phase {
    case .delaying:
      if let stop, stop.forwardAt <= now {
        endDelay(by: "time", at: now, &actions)
        beginDrain(at: now, &actions)
      } else {
        counting = .wanted
      }
    case .draining:
      if let stop, stop.drainEndsAt <= now {
        endDrain(by: .bound, at: now, &actions)
      } else {
        counting = .wanted
      }
    case .stopping:
      if let killAt, killAt <= now {
        beginKilling(at: now, &actions)
      } else {
        counting = .wanted
      }
    case .killing: sweep(at: now, &actions)
    case .starting: passStartupDeadline(at: now, &actions)
    case .serving, .exited: return
    }
  }

  mutating func endDelay(by reason: String, at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying else { return }
    stop?.delayEnded = (now, reason)
    enter(.draining)
  }

  mutating func endDrain(by reason: DrainEnding?, at now: Instant, _ actions: inout [Action]) {
    guard var stop else { return }
    killHook(&actions)
    stop.drainEndedBy = reason
    stop.forwardedAt = now
    stop.inFlightAtForward = traffic?.inFlight
    if let grace = options.grace { stop.killAt = min(stop.killAt, now + grace) }
    self.stop = stop
    enter(.stopping)
    planLastCount(before: stop.killAt, at: now)
    let sent = options.rewrites.apply(to: stop.signal)
    if let sent {
      signalsForwarded += 1
      actions.append(.send(sent, to: target))
      // A command that somebody stopped (SIGSTOP, Ctrl-Z) could not act on it.
      actions.append(.send(.continue, to: target))
    }
    log(
      .info, "stopping",
      [
        ("signal", .signal(sent)), ("to", .text(options.signalsGroup ? "group" : "command")),
        ("kill_in_ms", .span(stop.killAt - now)),
      ],
      sent == nil
        ? "the stop signal is dropped by --rewrite: SIGKILL ends the command" : "the command has been told to stop",
      &actions)
  }
}
