func signalHandled(_ facts: SmokeFacts) -> Verdict {
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

func exitedInTime(_ facts: SmokeFacts) -> Verdict {
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

func exitCode(_ facts: SmokeFacts) -> Verdict {
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

func noLeftovers(_ facts: SmokeFacts) -> Verdict {
  guard facts.leftSomething else { return .pass("the command was the last to exit") }
  let who = facts.command?.others.map { " (\($0))" } ?? ""
  let end = facts.report?.text("leftovers")?.isSame(as: "killed") == true ? ", which had to be killed" : ""
  return .fail("the command exited before its descendants\(who)\(end): it must stop them and wait for them")
}

func noZombies(_ facts: SmokeFacts) -> Verdict {
  guard let zombie = facts.zombie else { return .pass("every dead process was waited for") }
  return .fail("\(zombie.shown) is dead, and its parent, pid \(zombie.entry.parent), does not wait for it")
}

func timeToExit(_ facts: SmokeFacts) -> Verdict {
  guard let stopTime = facts.stopTime else { return .skip("it had to be killed") }
  return .pass(
    "\(stopTime.rough) after the stop signal: the delay \(facts.reported("delay_ms")), "
      + "the drain \(facts.reported("drain_ms")), the command \(facts.reported("stop_ms"))")
}
