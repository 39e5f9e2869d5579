import Primitives
import Supervision

extension SmokeObservations {
  func checkBeforeStop() -> Verdict {
    guard !options.targets.isEmpty else { return .skip(noTargets) }
    let failures = failures(in: .beforeStop)
    let total = answeredBefore + failures.count
    guard failures.isEmpty else {
      return .fail(
        "\(summary(failures, of: total)): requests fail before any stop; check the app's log, or lower --rate",
        failures)
    }
    return total > 0 ? .pass("\(total) answered") : .skip("no request was sent; raise --duration")
  }

  func checkDuringDelay() -> Verdict {
    guard !options.targets.isEmpty else { return .skip(noTargets) }
    let failures = failures(in: .delay)
    let total = answeredAfter + failures.count
    guard failures.isEmpty else {
      let help =
        forwardedAt == nil
        ? "it stopped serving before it got the stop signal"
        : "it must keep serving until \(signalName), and then finish requests in flight"
      return .fail("\(summary(failures, of: total)): \(help)", failures)
    }
    guard total > 0 else { return .skip("no request came in a delay of \(options.run.times.delay.brief)") }
    guard retries > 0 else { return .pass("\(total) answered") }
    return .pass(
      "\(total) answered, \(retries) retried because the server closed a kept connection: "
        + "load balancers that do not retry return 502; use a longer keep-alive timeout than the load balancer's"
    )
  }

  func checkSlowRequest() -> Verdict {
    guard options.slow != nil else { return .skip("no --slow") }
    let failures = failures(in: .slow)
    let total = slowAnswered + failures.count
    guard failures.isEmpty else {
      let help =
        report?.flag("killed") == true
        ? "killed with it in flight: raise --termination-grace-period"
        : slowAnswered == 0 && failures.allSatisfy { $0.isStatus }
          ? "name a URL for --slow that answers with 2xx or 3xx"
          : command?.advice?.advice
            ?? "finish requests in flight at \(signalName), or let --drain wait for them"
      return .fail("\(summary(failures, of: total)): \(help)", failures)
    }
    guard total > 0 else { return .skip("none was sent") }
    guard hasSlowAnswerInStop else {
      return .skip("\(total) answered, but none was in flight at \(signalName): --slow needs one that takes longer")
    }
    return .pass("\(total) answered, the longest took \(slowest.approximate)")
  }

  func checkDelaySufficient() -> Verdict {
    guard !options.targets.isEmpty else { return .skip(noTargets) }
    guard let lag = options.lag else {
      return .skip("no --lag: requests came until the end of the delay, and no later ones")
    }
    let failures = failures(in: .lag)
    let last = report?.span("last_connection_ms").map { ", the last new connection at +\($0.approximate)" } ?? ""
    guard failures.isEmpty else {
      return .fail(
        "\(failures.count) requests within \(lag.description) of the stop signal failed because the app had already stopped\(last): "
          + "use --delay \(lag.description) or more", failures)
    }
    return .pass(
      "requests came until +\(lag.approximate)\(last)"
        + (lag > options.run.times.delay
          ? "; only the drain has saved the last ones: use --delay \(lag.description) or more" : "")
    )
  }

  private var noTargets: String { "no --http and no --tcp" }

  /// `2 of 100 failed, the first: 502 13:57:17`
  private func summary(_ failures: [SmokeFailure], of total: Int) -> String {
    "\(failures.count) of \(total) failed, the first: \(failures.first?.line ?? "")"
  }

  func checkListenerClosed() -> Verdict {
    guard !options.targets.isEmpty || options.slow != nil else { return .skip(noTargets) }
    guard let port = openPort else { return .pass("no listening socket is left") }
    return .fail("something still listens on port \(Int(port)): a process that is not a descendant of the command")
  }
}
