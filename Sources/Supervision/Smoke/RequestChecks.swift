func beforeStop(_ facts: SmokeFacts) -> Verdict {
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

func duringDelay(_ facts: SmokeFacts) -> Verdict {
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

func slowRequest(_ facts: SmokeFacts) -> Verdict {
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

func delaySufficient(_ facts: SmokeFacts) -> Verdict {
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

let noTargets = "no --http and no --tcp"

/// `2 of 100 failed, the first: 502 13:57:17`
func failed(_ failures: [SmokeFailure], of total: Int) -> String {
  "\(failures.count) of \(total) failed, the first: \(failures.first?.line ?? "")"
}

func listenerClosed(_ facts: SmokeFacts) -> Verdict {
  guard !facts.options.targets.isEmpty || facts.options.slow != nil else { return .skip(noTargets) }
  guard let port = facts.openPort else { return .pass("nothing listens any more") }
  return .fail("something still listens on port \(Int(port)): a process that is none of the command's descendants")
}
