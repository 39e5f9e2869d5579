import Primitives
import Supervision

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
func smokeChecks(_ observations: SmokeObservations) -> [SmokeCheck] {
  [
    check("ready-in-time", observations, .start, ready),
    check("no-failed-requests-before-stop", observations, .service, beforeStop),
    check("no-failed-requests-during-delay", observations, .stop, duringDelay),
    check("slow-request-answered", observations, .stop, slowRequest),
    check("stop-signal-handled", observations, .service, signalHandled),
    check("exited-within-grace", observations, .stop, exitedInTime),
    check("exit-code", observations, .stop, exitCode),
    check("no-leftovers", observations, .stop, noLeftovers),
    check("listener-closed", observations, .stop, listenerClosed),
    check("no-zombies", observations, .service, noZombies),
    check("delay-sufficient", observations, .stop, delaySufficient),
    check("time-to-exit", observations, .stop, timeToExit),
  ]
}

/// What a run must have come to for a check to have something to look at.
private enum Need { case start, service, stop }

@inline(never)
private func check(
  _ name: String, _ observations: SmokeObservations, _ need: Need, _ judge: (SmokeObservations) -> Verdict
) -> SmokeCheck {
  let verdict: Verdict
  if need != .start, observations.readyAt == nil {
    verdict = .skip("it was never ready")
  } else if need == .stop, observations.stoppedAt == nil {
    verdict = .skip("it had exited before the stop signal")
  } else {
    verdict = judge(observations)
  }
  return SmokeCheck(name: name, result: verdict.result, detail: verdict.detail, failures: verdict.failures)
}

struct Verdict {
  let result: SmokeCheck.Result
  let detail: String
  var failures: [SmokeFailure] = []

  static func pass(_ detail: String) -> Verdict { Verdict(result: .pass, detail: detail) }
  static func skip(_ detail: String) -> Verdict { Verdict(result: .skip, detail: detail) }
  static func fail(_ detail: String, _ failures: [SmokeFailure] = []) -> Verdict {
    Verdict(result: .fail, detail: detail, failures: failures)
  }
}

private func ready(_ observations: SmokeObservations) -> Verdict {
  switch observations.start {
  case .underWay: .fail("it was not ready within \(observations.options.readyTimeout.description)")
  case .failed(let problem): .fail(problem)
  case .ready(let at): .pass("after \((at - observations.startedAt).approximate)")
  }
}

extension SmokeObservations {
  /// A time of the final report.
  @inline(never)
  func reported(_ key: String) -> String { report?.span(key)?.approximate ?? "?" }

  /// The supervisor's exit code.
  var code: Int { end?.status.code ?? 0 }

  var wasKilled: Bool { report?.flag("killed") ?? false || end == nil }

  /// Descendants that the command did not wait for.
  var leftSomething: Bool { report?.text("leftovers") != nil }
}
