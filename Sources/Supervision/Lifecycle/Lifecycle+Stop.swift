import Primitives

extension Lifecycle {
  mutating func beginStop(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    let began = newStop(signal, at: now)
    stop = began
    guard commandRuns else {
      return logStop(
        began, at: now, killAt: killAt, "the command has already exited; stopping leftover processes", &actions)
    }
    let deadline = "\(deadlineName) in \((began.killAt - now).brief) at the latest"
    guard !began.isDelegated, phase > .starting else {
      let reason =
        began.isDelegated
        ? "an ebb itself, which does the delay and the drain" : "not ready, so the stop signal is sent immediately"
      logStop(began, at: now, forwardIn: .zero, "stopping: the command is \(reason); \(deadline)", &actions)
      return skipToForwarding(at: now, &actions)
    }
    let serves = keepsDelay && times.delay > .zero ? "the command keeps serving for \(times.delay.brief), " : ""
    logStop(began, at: now, forwardIn: keepsDelay ? times.delay : nil, "stopping: \(serves)\(deadline)", &actions)
    enter(.delaying)
    if keepsDelay { announceDelay(&actions) }
    beginCounting(at: now)
    if !options.preStop.isEmpty {
      hook = PreStopHookState(startedAt: now)
      actions.append(.startHook(signal))
    }
  }

  private func logStop(
    _ stop: Stop, at now: Instant, killAt: Instant? = nil, forwardIn: TimeAmount? = nil,
    _ message: String, _ actions: inout [Action]
  ) {
    verbosity.log(
      .info, "stop-signal",
      [
        ("signal", .signal(stop.signal)), ("forward_in_ms", .span(forwardIn)),
        ("kill_in_ms", .span((killAt ?? stop.killAt) - now)),
        ("grace_period_ms", .span(times.terminationGracePeriod)), ("grace_period_from", .text(options.periodOrigin)),
        // The reason why an unlisted signal begins a stop.
        (
          "recognised",
          options.stopSignals.contains(stop.signal) ? .null : server.map { .text($0.traits.name) } ?? .null
        ),
      ], message, &actions)
  }

  /// Whether the delay applies even without listening sockets: it was given, or another option implies traffic.
  var keepsDelay: Bool { options.delay != nil || options.ports != nil || !options.readiness.isEmpty }

  /// Logs the delay once: immediately if it is certain, else after the first scan of the command's sockets.
  mutating func announceDelay(_ actions: inout [Action]) {
    guard phase == .delaying, stop?.isDelayAnnounced == false else { return }
    stop?.isDelayAnnounced = true
    guard times.delay > .zero else { return }
    verbosity.log(
      .info, "delaying", [("for_ms", .span(times.delay))],
      "the command keeps serving for \(times.delay.brief) while load balancers stop routing to it", &actions)
  }

  /// Returns a stop with all deadlines, fixed once. None of them may move `killAt`, because the orchestrator's time
  /// runs out then. The drain therefore leaves time for a given grace, or a little without one, even if that cuts
  /// `drainTimeout` short. `killAt` is the latest moment; it is earlier if a given grace begins earlier.
  func newStop(_ signal: Signal, at now: Instant) -> Stop {
    let isDelegated = commandSupervises && commandRuns
    // The supervisor below has the same options and must be able to kill first.
    let killLimit = now + times.killIn + (isDelegated ? times.killMargin / 2 : .zero)
    let forwardAt = now + times.delay
    let drainEndsAt = max(forwardAt, min(forwardAt + times.drainTimeout, now + times.killIn - times.grace))
    var killAt = killLimit
    if let grace = options.grace, commandRuns, !isDelegated {
      let waits = options.drain != .time || !options.preStop.isEmpty
      let latestForwarding = phase == .starting ? now : waits ? drainEndsAt : forwardAt
      killAt = min(killLimit, latestForwarding + grace)
    }
    let holdsReady = phase == .serving && options.readyHold > .zero
    return Stop(
      signal: signal, since: now, isDelegated: isDelegated,
      readyUntil: holdsReady ? min(now + options.readyHold, drainEndsAt) : nil, forwardAt: forwardAt,
      drainEndsAt: drainEndsAt, killLimit: killLimit, killAt: killAt)
  }

  /// Skips delay and drain, for `ebb stop --now`.
  mutating func stopNow(at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying || phase == .draining else { return }
    enterDraining(delayEnded: "request", at: now, &actions)
    forwardStopSignal(drainEnded: .skipped, at: now, &actions)
  }

  mutating func enterDraining(delayEnded reason: String, at now: Instant, _ actions: inout [Action]) {
    guard phase == .delaying else { return }
    stop?.delayEnded = (now, reason)
    enter(.draining)
  }

  mutating func forwardStopSignal(drainEnded reason: DrainEndReason?, at now: Instant, _ actions: inout [Action]) {
    guard var stop else { return }
    killHook(&actions)
    stop.drainEndedBy = reason
    stop.forwarding = Forwarding(
      at: now, inFlight: traffic?.inFlight, trafficWasSteady: traffic?.isSteady(at: now))
    if let grace = options.grace, !stop.isDelegated { stop.killAt = min(stop.killLimit, now + grace) }
    self.stop = stop
    enter(.stopping)
    planLastCount(before: stop.killAt, at: now)
    // The supervisor below rewrites the signal itself; a rewritten one might not begin a stop there.
    let sent = stop.isDelegated ? stop.signal : options.rewrites.apply(to: stop.signal)
    if isOutOfReach {
      return verbosity.log(
        .warning, "stopping", [("signal", .null), ("exit_in_ms", .span(stop.killAt - now))],
        "the stop signal was not sent, and ebb exits at the deadline: " + Status.outOfReach, &actions)
    }
    if let sent {
      signalsForwarded += 1
      // Find these first: later, orphans of this signal look like earlier children, and new group members like old.
      actions.append(.findChildren)
      if options.targetsProcessGroup { actions.append(.findGroup) }
      actions.append(.send(sent, to: target))
      // A suspended command (SIGSTOP, Ctrl-Z) could not handle the signal.
      actions.append(.send(.sigcont, to: target))
    }
    verbosity.log(
      .info, "stopping",
      [
        ("signal", .signal(sent)), ("to", .text(options.targetsProcessGroup ? "group" : "command")),
        ("kill_in_ms", .span(max(.zero, stop.killAt - now))),
      ],
      sent == nil
        ? "--rewrite drops the stop signal; SIGKILL will end the command" : "sent the stop signal to the command",
      &actions)
  }

  mutating func skipToForwarding(at now: Instant, _ actions: inout [Action]) {
    endStartup(&actions)
    enter(.delaying)
    enterDraining(delayEnded: "skipped", at: now, &actions)
    forwardStopSignal(drainEnded: .skipped, at: now, &actions)
  }
}
