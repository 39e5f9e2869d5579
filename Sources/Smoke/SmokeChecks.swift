import Primitives
import Supervision

/// The result of one check of a smoke run.
package struct SmokeCheck: Sendable {
  /// The check's name; part of the contract.
  package let name: String
  package let result: Result
  /// A sentence with the observation and, for a failure, a remedy.
  package let detail: String
  package let failures: [SmokeFailure]

  package enum Result: Sendable {
    case pass, fail
    /// The check could not be made.
    case skip

    /// The name in JSON.
    var name: String {
      switch self {
      case .pass: "pass"
      case .fail: "fail"
      case .skip: "skip"
      }
    }
  }
}

/// Returns the results of all checks of a run, always the same in the same order.
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

/// The progress that a run needs for a check to be possible.
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
  /// A time of the final report, formatted.
  @inline(never)
  func reported(_ key: String) -> String { report?.span(key)?.approximate ?? "?" }

  /// The supervisor's exit code.
  var code: Int { end?.status.code ?? 0 }

  var wasKilled: Bool { report?.flag("killed") ?? false || end == nil }

  var leftSomething: Bool { report?.text("leftovers") != nil }
}
