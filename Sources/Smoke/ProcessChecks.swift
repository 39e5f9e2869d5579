import LinuxFormats
import Primitives
import Supervision

extension SmokeObservations {
  func checkSignalHandled() -> Verdict {
    guard stoppedAt != nil else {
      return .fail("the command exited with \(code) by itself, before the stop signal")
    }
    let who = command?.who ?? "the command"
    if isOutOfReach { return .fail(Status.outOfReach) }
    if stopBeganAt == nil {
      let sent = (stopSignal ?? .sigterm).name
      let hidden = command?.hidden?.traits
      let cure =
        hidden?.gracefulStop == stopSignal
        ? "start \(hidden?.name ?? "it") with exec, so that ebb recognises it" : "use --stop-signals TERM,\(sent)"
      return .fail("SIG\(sent) began no stop, it was only forwarded to \(who): \(cure)")
    }
    guard signal != nil else {
      return .fail("--rewrite drops the stop signal: only SIGKILL ends the command")
    }
    let isStandard = command?.effect == .defaultAction
    if wasKilled {
      if command?.effect != .caught, let diagnosis = command?.diagnosis { return .fail(diagnosis) }
      let cure =
        command?.isWaitingShell == true
        ? "a shell handles the signal only after its child exits: use exec"
        : "its handler must end it, and the connections that clients keep open"
      return .fail("\(who) got \(signalName), but did not exit: \(cure)")
    }
    guard let forwardedAt, let end else {
      return .fail("the command exited with \(code) during the delay: something other than ebb stopped it")
    }
    if isStandard, leftSomething { return .fail(command?.diagnosis ?? "\(who) left its children behind") }
    let took = report?.span("stop_ms") ?? max(.zero, end.at - forwardedAt)
    if isStandard {
      return .pass("\(who) has no handler for \(signalName) and died immediately: requests in flight are lost")
    }
    return .pass(
      "\(who) got \(signalName) and exited \(took.approximate) later\(command?.advice.map { "; " + $0.advice } ?? "")")
  }

  func checkExitedInTime() -> Verdict {
    guard let stopTime else {
      return .fail(
        "still running after --termination-grace-period \(options.longestStop.description); killed together with the supervisor"
      )
    }
    guard !wasKilled else {
      return .fail(
        "killed at the deadline, \(stopTime.approximate) after the stop signal: make it exit sooner, or raise "
          + "--termination-grace-period here and in the orchestrator"
      )
    }
    let run = options.run
    guard let forwardedAt, let since = stopBeganAt, let took = report?.span("stop_ms")
    else { return .pass("without SIGKILL") }
    let left = max(.zero, run.times.killIn - (forwardedAt - since))
    return .pass(
      "\(took.approximate) after \(signalName), SIGKILL would have come after \(min(left, run.grace ?? left).approximate)"
    )
  }

  func checkExitCode() -> Verdict {
    guard end != nil else { return .skip("it had to be killed") }
    let byStopSignal = 128 + Int(signal?.number ?? Signal.sigterm.number)
    let isRight =
      options.expectedExit.map { $0 == code }
      ?? (code == 0 || code == byStopSignal)
    guard !isRight else {
      return .pass("\(code)\(code == byStopSignal ? ": died of \(signalName)" : "")")
    }
    let expected = options.expectedExit.map { "\($0)" } ?? "0 or \(byStopSignal)"
    let reason = wasKilled ? ", SIGKILL" : ""
    return .fail(
      "\(code)\(reason), expected \(expected): orchestrators treat it as a crash; "
        + "see --remap-exit, --expect-exit"
    )
  }

  func checkLeftovers() -> Verdict {
    guard leftSomething else { return .pass("the command was the last to exit") }
    let who = command?.others.map { " (\($0))" } ?? ""
    let end = report?.text("leftovers")?.bytesEqual("killed") == true ? ", which had to be killed" : ""
    return .fail("the command exited before its descendants\(who)\(end): it must stop them and wait for them")
  }

  func checkZombies() -> Verdict {
    guard let zombie else { return .pass("no process was left as a zombie") }
    return .fail("\(zombie.displayText) is dead, and its parent, pid \(zombie.entry.parent), does not wait for it")
  }

  func checkTimeToExit() -> Verdict {
    guard let stopTime else { return .skip("it had to be killed") }
    return .pass(
      "\(stopTime.approximate) after the stop signal: the delay \(reported("delay_ms")), "
        + "the drain \(reported("drain_ms")), the command \(reported("stop_ms"))")
  }
}
