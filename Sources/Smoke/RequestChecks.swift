import Primitives
import Supervision

func beforeStop(_ observations: SmokeObservations) -> Verdict {
  guard !observations.options.targets.isEmpty else { return .skip(noTargets) }
  let failures = observations.failures(in: .beforeStop)
  let total = observations.answeredBefore + failures.count
  guard failures.isEmpty else {
    return .fail(
      "\(failed(failures, of: total)): requests fail before any stop; check the app's log, or lower --rate",
      failures)
  }
  return total > 0 ? .pass("\(total) answered") : .skip("no request was sent; raise --duration")
}

func duringDelay(_ observations: SmokeObservations) -> Verdict {
  guard !observations.options.targets.isEmpty else { return .skip(noTargets) }
  let failures = observations.failures(in: .delay)
  let total = observations.answeredAfter + failures.count
  guard failures.isEmpty else {
    let help =
      observations.forwardedAt == nil
      ? "it stopped serving before it got the stop signal"
      : "it must keep serving until \(observations.signalName), and then finish requests in flight"
    return .fail("\(failed(failures, of: total)): \(help)", failures)
  }
  guard total > 0 else { return .skip("no request came in a delay of \(observations.options.run.times.delay.brief)") }
  guard observations.retries > 0 else { return .pass("\(total) answered") }
  return .pass(
    "\(total) answered, \(observations.retries) retried because the server closed a kept connection: "
      + "load balancers that do not retry return 502; use a longer keep-alive timeout than the load balancer's"
  )
}

func slowRequest(_ observations: SmokeObservations) -> Verdict {
  guard observations.options.slow != nil else { return .skip("no --slow") }
  let failures = observations.failures(in: .slow)
  let total = observations.slowAnswered + failures.count
  guard failures.isEmpty else {
    let help =
      observations.report?.flag("killed") == true
      ? "killed with it in flight: raise --termination-grace-period"
      : observations.command?.advice?.advice
        ?? "finish requests in flight at \(observations.signalName), or let --drain wait for them"
    return .fail("\(failed(failures, of: total)): \(help)", failures)
  }
  guard total > 0 else { return .skip("none was sent") }
  guard observations.hasSlowAnswerInStop else {
    return .skip(
      "\(total) answered, but none was in flight at \(observations.signalName): --slow needs one that takes longer")
  }
  return .pass("\(total) answered, the longest took \(observations.slowest.approximate)")
}

func delaySufficient(_ observations: SmokeObservations) -> Verdict {
  guard !observations.options.targets.isEmpty else { return .skip(noTargets) }
  guard let lag = observations.options.lag else {
    return .skip("no --lag: requests came until the end of the delay, and no later ones")
  }
  let failures = observations.failures(in: .lag)
  let last =
    observations.report?.span("last_connection_ms").map { ", the last new connection at +\($0.approximate)" } ?? ""
  guard failures.isEmpty else {
    return .fail(
      "\(failures.count) requests within \(lag.description) of the stop signal failed because the app had already stopped\(last): "
        + "use --delay \(lag.description) or more", failures)
  }
  return .pass(
    "requests came until +\(lag.approximate)\(last)"
      + (lag > observations.options.run.times.delay
        ? "; only the drain has saved the last ones: use --delay \(lag.description) or more" : "")
  )
}

let noTargets = "no --http and no --tcp"

/// `2 of 100 failed, the first: 502 13:57:17`
func failed(_ failures: [SmokeFailure], of total: Int) -> String {
  "\(failures.count) of \(total) failed, the first: \(failures.first?.line ?? "")"
}

func listenerClosed(_ observations: SmokeObservations) -> Verdict {
  guard !observations.options.targets.isEmpty || observations.options.slow != nil else { return .skip(noTargets) }
  guard let port = observations.openPort else { return .pass("no listening socket is left") }
  return .fail("something still listens on port \(Int(port)): a process that is none of the command's descendants")
}
