// Waiting until the command is ready.

import Primitives

extension Lifecycle {
  /// Whether the supervisor reports ready: from the command's readiness to the stop signal, plus `--ready-hold`, but
  /// never after forwarding.
  package func isReady(at now: Instant) -> Bool {
    phase == .serving || readyUntil.map { now < $0 } ?? false
  }

  /// The end of `--ready-hold`.
  var readyUntil: Instant? {
    guard let stop else { return nil }
    // The supervisor below still delays and drains.
    let serves = phase == .delaying || phase == .draining || stop.isDelegated && phase == .stopping && commandRuns
    return serves ? stop.readyUntil : nil
  }

  mutating func beginStartup(at now: Instant, _ actions: inout [Action]) {
    guard !options.readiness.isEmpty else { return enter(.serving) }
    let deadline = options.startupTimeout > .zero ? now + options.startupTimeout : nil
    startup = Startup(schedule: ReadinessSchedule(at: now), deadline: deadline)
    verbosity.log(.debug, "starting", [], "asking the command whether it is ready", &actions)
  }

  mutating func passStartupDeadline(at now: Instant, _ actions: inout [Action]) {
    guard let startup else { return }
    if let deadline = startup.deadline, deadline <= now {
      startupTimedOut(at: now, &actions)
    } else if startup.schedule.isAsking {
      actions.append(.abandonProbe)
      probeFailed("no response in time", at: now, &actions)
    } else {
      self.startup?.schedule.begin(at: now)
      actions.append(.probe)
    }
  }

  mutating func becomeReady(at now: Instant, _ actions: inout [Action]) {
    guard startup != nil else { return }
    startup = nil
    hasListened = true
    enter(.serving)
    verbosity.log(.debug, "serving", [], "the command is ready", &actions)
  }

  mutating func probeFailed(_ problem: String, at now: Instant, _ actions: inout [Action]) {
    guard phase == .starting else { return }
    startup?.schedule.failed(at: now, problem)
    verbosity.log(.trace, "not-ready", [("problem", .text(problem))], "the command is not ready yet", &actions)
  }

  /// Ends the readiness checks.
  mutating func endStartup(_ actions: inout [Action]) {
    if startup?.schedule.isAsking == true { actions.append(.abandonProbe) }
    startup = nil
  }

  /// Stops a command that was not ready in time. The orchestrator's time is not running yet, but a command that cannot
  /// start must not hang longer than one that stops.
  mutating func startupTimedOut(at now: Instant, _ actions: inout [Action]) {
    verbosity.log(
      .warning, "startup-timeout",
      [
        ("after_ms", .span(options.startupTimeout)),
        ("problem", startup?.schedule.lastProblem.map { .text($0) } ?? .null),
      ],
      "the command was not ready within \(options.startupTimeout.description); stopping it", &actions)
    var stop = newStop(options.stopSignals.usual ?? .sigterm, at: now)
    stop.isStartupTimeout = true
    self.stop = stop
    skipToForwarding(at: now, &actions)
  }

}
