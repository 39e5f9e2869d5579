/// One thing that a smoke run looks at.
package struct SmokeCheck: Sendable {
  /// What it is called; part of the contract.
  package let name: String
  /// What came out.
  package let result: Result
  /// A sentence: what was seen and, where that is wrong, what helps.
  package let detail: String
  /// The failed requests that it is about.
  package let failures: [SmokeFailure]

  /// What came out.
  package enum Result: Sendable {
    case pass, fail
    /// Nothing can be said.
    case skip

    /// As JSON has it.
    var name: String {
      switch self {
      case .pass: "pass"
      case .fail: "fail"
      case .skip: "skip"
      }
    }
  }
}

/// All that can be said of a run, always the same checks in the same order.
func smokeChecks(_ facts: SmokeFacts) -> [SmokeCheck] {
  [
    check("ready-in-time", facts, .start, ready),
    check("no-failed-requests-before-stop", facts, .service, beforeStop),
    check("no-failed-requests-during-delay", facts, .stop, duringDelay),
    check("slow-request-answered", facts, .stop, slowRequest),
    check("stop-signal-handled", facts, .service, signalHandled),
    check("exited-within-grace", facts, .stop, exitedInTime),
    check("exit-code", facts, .stop, exitCode),
    check("no-leftovers", facts, .stop, noLeftovers),
    check("listener-closed", facts, .stop, listenerClosed),
    check("no-zombies", facts, .service, noZombies),
    check("delay-sufficient", facts, .stop, delaySufficient),
    check("time-to-exit", facts, .stop, timeToExit),
  ]
}

/// What a run must have come to for a check to have something to look at.
private enum Need { case start, service, stop }

@inline(never)
private func check(_ name: String, _ facts: SmokeFacts, _ need: Need, _ judge: (SmokeFacts) -> Verdict) -> SmokeCheck {
  let verdict: Verdict
  if need != .start, facts.readyAt == nil {
    verdict = .skip("it was never ready")
  } else if need == .stop, facts.stoppedAt == nil {
    verdict = .skip("it had exited before the stop signal")
  } else {
    verdict = judge(facts)
  }
  return SmokeCheck(name: name, result: verdict.result, detail: verdict.detail, failures: verdict.failures)
}

private struct Verdict {
  let result: SmokeCheck.Result
  let detail: String
  var failures: [SmokeFailure] = []

  static func pass(_ detail: String) -> Verdict { Verdict(result: .pass, detail: detail) }
  static func skip(_ detail: String) -> Verdict { Verdict(result: .skip, detail: detail) }
  static func fail(_ detail: String, _ failures: [SmokeFailure] = []) -> Verdict {
    Verdict(result: .fail, detail: detail, failures: failures)
  }
}

private func ready(_ facts: SmokeFacts) -> Verdict {
  switch facts.start {
  case .underWay: .fail("it was not ready within \(facts.options.readyTimeout.text)")
  case .failed(let problem): .fail(problem)
  case .ready(let at): .pass("after \((at - facts.startedAt).rough)")
  }
}

// MARK: - Requests

private func beforeStop(_ facts: SmokeFacts) -> Verdict {
  guard !facts.options.targets.isEmpty else { return .skip(noTargets) }
  let failures = facts.failures(in: .beforeStop)
  let total = facts.answeredBefore + failures.count
  guard failures.isEmpty else {
    return .fail(
      "\(failed(failures, of: total)): it fails under this load without any stop; see its log, or lower --rate",
      failures)
  }
  return total > 0 ? .pass("\(total) answered") : .skip("no request was sent; raise --duration")
}

private func duringDelay(_ facts: SmokeFacts) -> Verdict {
  guard !facts.options.targets.isEmpty else { return .skip(noTargets) }
  let failures = facts.failures(in: .delay)
  let total = facts.answeredAfter + failures.count
  guard failures.isEmpty else {
    let help =
      facts.forwardedAt == nil
      ? "it stopped serving before it was told to stop"
      : "it must serve until it has \(facts.signalName), and then finish what is in flight"
    return .fail("\(failed(failures, of: total)): \(help)", failures)
  }
  guard total > 0 else { return .skip("no request came in a delay of \(facts.options.run.times.delay.brief)") }
  guard facts.retries > 0 else { return .pass("\(total) answered") }
  return .pass(
    "\(total) answered, \(facts.retries) sent again since it had closed the kept connection: "
      + "a load balancer that does not do so answers 502; let it keep connections for longer than the load balancer does"
  )
}

private func slowRequest(_ facts: SmokeFacts) -> Verdict {
  guard facts.options.slow != nil else { return .skip("no --slow") }
  let failures = facts.failures(in: .slow)
  let total = facts.slowAnswered + failures.count
  guard failures.isEmpty else {
    let help =
      facts.report?.flag("killed") == true
      ? "killed with it in flight: raise --termination-grace-period"
      : facts.command?.advice?.advice
        ?? "let it finish what is in flight at \(facts.signalName), or --drain wait for it"
    return .fail("\(failed(failures, of: total)): \(help)", failures)
  }
  guard total > 0 else { return .skip("none was sent") }
  guard facts.hasSlowAnswerInStop else {
    return .skip("\(total) answered, but none was in flight at \(facts.signalName): --slow needs one that takes longer")
  }
  return .pass("\(total) answered, the longest took \(facts.slowest.rough)")
}

private func delaySufficient(_ facts: SmokeFacts) -> Verdict {
  guard !facts.options.targets.isEmpty else { return .skip(noTargets) }
  guard let lag = facts.options.lag else {
    return .skip("no --lag: requests came until the end of the delay, and no later ones")
  }
  let failures = facts.failures(in: .lag)
  let last = facts.report?.span("last_connection_ms").map { ", the last new connection at +\($0.rough)" } ?? ""
  guard failures.isEmpty else {
    return .fail(
      "\(failures.count) of the requests that came within \(lag.text) of the stop signal were too late\(last): "
        + "use --delay \(lag.text) or more", failures)
  }
  return .pass(
    "requests came until +\(lag.rough)\(last)"
      + (lag > facts.options.run.times.delay
        ? "; only the drain has saved the last ones: use --delay \(lag.text) or more" : "")
  )
}

private let noTargets = "no --http and no --tcp"

/// `2 of 100 failed, the first: 502 13:57:17`
private func failed(_ failures: [SmokeFailure], of total: Int) -> String {
  "\(failures.count) of \(total) failed, the first: \(failures.first?.line ?? "")"
}

private func listenerClosed(_ facts: SmokeFacts) -> Verdict {
  guard !facts.options.targets.isEmpty || facts.options.slow != nil else { return .skip(noTargets) }
  guard let port = facts.openPort else { return .pass("nothing listens any more") }
  return .fail("something still listens on port \(Int(port)): a process that is none of the command's descendants")
}

// MARK: - The process

private func signalHandled(_ facts: SmokeFacts) -> Verdict {
  guard facts.stoppedAt != nil else {
    return .fail("the command exited with \(facts.code) by itself, before the stop signal")
  }
  let command = facts.command
  let who = command?.who ?? "the command"
  if facts.isOutOfReach { return .fail(Status.outOfReach) }
  if facts.stopBeganAt == nil {
    let sent = (facts.stopSignal ?? .terminate).name
    let hidden = command?.hidden?.facts
    let cure =
      hidden?.gracefulStop == facts.stopSignal
      ? "start \(hidden?.name ?? "it") with exec, so that ebb recognises it" : "use --stop-signals TERM,\(sent)"
    return .fail("SIG\(sent) began no stop, it was only forwarded to \(who): \(cure)")
  }
  guard facts.signal != nil else { return .fail("--rewrite drops the stop signal: only SIGKILL ends the command") }
  let name = facts.signalName
  let isStandard = command?.effect == .standard
  if facts.wasKilled {
    if command?.effect != .caught, let diagnosis = command?.diagnosis { return .fail(diagnosis) }
    let cure =
      command?.isWaitingShell == true
      ? "a shell acts on a signal when its child has ended: use exec"
      : "its handler must end it, and the connections that clients keep open"
    return .fail("\(who) got \(name), but did not exit: \(cure)")
  }
  guard let forwardedAt = facts.forwardedAt, let end = facts.end else {
    return .fail("the command exited with \(facts.code) in the delay: something else than ebb has told it to stop")
  }
  if isStandard, facts.leftSomething { return .fail(command?.diagnosis ?? "\(who) left its children behind") }
  let took = facts.report?.span("stop_ms") ?? max(.zero, end.at - forwardedAt)
  if isStandard {
    return .pass("\(who) has no handler for \(name) and died at once: what is in flight then is lost")
  }
  return .pass("\(who) got \(name) and exited \(took.rough) later\(command?.advice.map { "; " + $0.advice } ?? "")")
}

private func exitedInTime(_ facts: SmokeFacts) -> Verdict {
  guard let stopTime = facts.stopTime else {
    return .fail(
      "still there after --termination-grace-period \(facts.options.longestStop.text): killed, and the supervisor too")
  }
  guard !facts.wasKilled else {
    return .fail(
      "killed at the deadline, \(stopTime.rough) after the stop signal: make it exit sooner, or raise "
        + "--termination-grace-period here and in the orchestrator"
    )
  }
  let run = facts.options.run
  guard let forwardedAt = facts.forwardedAt, let since = facts.stopBeganAt, let took = facts.report?.span("stop_ms")
  else { return .pass("without SIGKILL") }
  let left = max(.zero, run.times.killIn - (forwardedAt - since))
  return .pass(
    "\(took.rough) after \(facts.signalName), SIGKILL would have come after \(min(left, run.grace ?? left).rough)")
}

private func exitCode(_ facts: SmokeFacts) -> Verdict {
  guard facts.end != nil else { return .skip("it had to be killed") }
  let byStopSignal = 128 + Int(facts.signal?.number ?? Signal.terminate.number)
  let isRight = facts.options.expectedExit.map { $0 == facts.code } ?? (facts.code == 0 || facts.code == byStopSignal)
  guard !isRight else {
    return .pass("\(facts.code)\(facts.code == byStopSignal ? ": died of \(facts.signalName)" : "")")
  }
  let expected = facts.options.expectedExit.map { "\($0)" } ?? "0 or \(byStopSignal)"
  let reason = facts.wasKilled ? ", SIGKILL" : ""
  return .fail(
    "\(facts.code)\(reason) and not \(expected): an orchestrator takes that for a crash; "
      + "see --remap-exit, --expect-exit"
  )
}

private func noLeftovers(_ facts: SmokeFacts) -> Verdict {
  guard facts.leftSomething else { return .pass("the command was the last to exit") }
  let who = facts.command?.others.map { " (\($0))" } ?? ""
  let end = facts.report?.text("leftovers")?.isSame(as: "killed") == true ? ", which had to be killed" : ""
  return .fail("the command exited before its descendants\(who)\(end): it must stop them and wait for them")
}

private func noZombies(_ facts: SmokeFacts) -> Verdict {
  guard let zombie = facts.zombie else { return .pass("every dead process was waited for") }
  return .fail("\(zombie.shown) is dead, and its parent, pid \(zombie.entry.parent), does not wait for it")
}

private func timeToExit(_ facts: SmokeFacts) -> Verdict {
  guard let stopTime = facts.stopTime else { return .skip("it had to be killed") }
  return .pass(
    "\(stopTime.rough) after the stop signal: the delay \(facts.reported("delay_ms")), "
      + "the drain \(facts.reported("drain_ms")), the command \(facts.reported("stop_ms"))")
}

extension SmokeFacts {
  /// A time of the final report.
  @inline(never)
  fileprivate func reported(_ key: String) -> String { report?.span(key)?.rough ?? "?" }

  /// The supervisor's exit code.
  var code: Int { end?.status.code ?? 0 }

  fileprivate var wasKilled: Bool { report?.flag("killed") ?? false || end == nil }

  /// Descendants that the command did not wait for.
  fileprivate var leftSomething: Bool { report?.text("leftovers") != nil }
}
