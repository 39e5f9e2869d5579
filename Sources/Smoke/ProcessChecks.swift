import LinuxFormats
import Primitives
import Supervision

func signalHandled(_ observations: SmokeObservations) -> Verdict {
  guard observations.stoppedAt != nil else {
    return .fail("the command exited with \(observations.code) by itself, before the stop signal")
  }
  let command = observations.command
  let who = command?.who ?? "the command"
  if observations.isOutOfReach { return .fail(Status.outOfReach) }
  if observations.stopBeganAt == nil {
    let sent = (observations.stopSignal ?? .sigterm).name
    let hidden = command?.hidden?.traits
    let cure =
      hidden?.gracefulStop == observations.stopSignal
      ? "start \(hidden?.name ?? "it") with exec, so that ebb recognises it" : "use --stop-signals TERM,\(sent)"
    return .fail("SIG\(sent) began no stop, it was only forwarded to \(who): \(cure)")
  }
  guard observations.signal != nil else {
    return .fail("--rewrite drops the stop signal: only SIGKILL ends the command")
  }
  let name = observations.signalName
  let isStandard = command?.effect == .defaultAction
  if observations.wasKilled {
    if command?.effect != .caught, let diagnosis = command?.diagnosis { return .fail(diagnosis) }
    let cure =
      command?.isWaitingShell == true
      ? "a shell handles the signal only after its child exits: use exec"
      : "its handler must end it, and the connections that clients keep open"
    return .fail("\(who) got \(name), but did not exit: \(cure)")
  }
  guard let forwardedAt = observations.forwardedAt, let end = observations.end else {
    return .fail(
      "the command exited with \(observations.code) during the delay: something other than ebb stopped it")
  }
  if isStandard, observations.leftSomething { return .fail(command?.diagnosis ?? "\(who) left its children behind") }
  let took = observations.report?.span("stop_ms") ?? max(.zero, end.at - forwardedAt)
  if isStandard {
    return .pass("\(who) has no handler for \(name) and died immediately: requests in flight are lost")
  }
  return .pass(
    "\(who) got \(name) and exited \(took.approximate) later\(command?.advice.map { "; " + $0.advice } ?? "")")
}

func exitedInTime(_ observations: SmokeObservations) -> Verdict {
  guard let stopTime = observations.stopTime else {
    return .fail(
      "still running after --termination-grace-period \(observations.options.longestStop.description); killed together with the supervisor"
    )
  }
  guard !observations.wasKilled else {
    return .fail(
      "killed at the deadline, \(stopTime.approximate) after the stop signal: make it exit sooner, or raise "
        + "--termination-grace-period here and in the orchestrator"
    )
  }
  let run = observations.options.run
  guard let forwardedAt = observations.forwardedAt, let since = observations.stopBeganAt,
    let took = observations.report?.span("stop_ms")
  else { return .pass("without SIGKILL") }
  let left = max(.zero, run.times.killIn - (forwardedAt - since))
  return .pass(
    "\(took.approximate) after \(observations.signalName), SIGKILL would have come after \(min(left, run.grace ?? left).approximate)"
  )
}

func exitCode(_ observations: SmokeObservations) -> Verdict {
  guard observations.end != nil else { return .skip("it had to be killed") }
  let byStopSignal = 128 + Int(observations.signal?.number ?? Signal.sigterm.number)
  let isRight =
    observations.options.expectedExit.map { $0 == observations.code }
    ?? (observations.code == 0 || observations.code == byStopSignal)
  guard !isRight else {
    return .pass(
      "\(observations.code)\(observations.code == byStopSignal ? ": died of \(observations.signalName)" : "")")
  }
  let expected = observations.options.expectedExit.map { "\($0)" } ?? "0 or \(byStopSignal)"
  let reason = observations.wasKilled ? ", SIGKILL" : ""
  return .fail(
    "\(observations.code)\(reason), expected \(expected): orchestrators treat it as a crash; "
      + "see --remap-exit, --expect-exit"
  )
}

func noLeftovers(_ observations: SmokeObservations) -> Verdict {
  guard observations.leftSomething else { return .pass("the command was the last to exit") }
  let who = observations.command?.others.map { " (\($0))" } ?? ""
  let end = observations.report?.text("leftovers")?.bytesEqual("killed") == true ? ", which had to be killed" : ""
  return .fail("the command exited before its descendants\(who)\(end): it must stop them and wait for them")
}

func noZombies(_ observations: SmokeObservations) -> Verdict {
  guard let zombie = observations.zombie else { return .pass("no process was left as a zombie") }
  return .fail("\(zombie.displayText) is dead, and its parent, pid \(zombie.entry.parent), does not wait for it")
}

func timeToExit(_ observations: SmokeObservations) -> Verdict {
  guard let stopTime = observations.stopTime else { return .skip("it had to be killed") }
  return .pass(
    "\(stopTime.approximate) after the stop signal: the delay \(observations.reported("delay_ms")), "
      + "the drain \(observations.reported("drain_ms")), the command \(observations.reported("stop_ms"))")
}
