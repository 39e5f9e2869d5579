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

extension SmokeObservations {
  /// The results of all checks of a run, always the same in the same order.
  var checks: [SmokeCheck] {
    [
      check("ready-in-time", .start, checkReady),
      check("no-failed-requests-before-stop", .service, checkBeforeStop),
      check("no-failed-requests-during-delay", .stop, checkDuringDelay),
      check("slow-request-answered", .stop, checkSlowRequest),
      check("stop-signal-handled", .service, checkSignalHandled),
      check("exited-within-grace", .stop, checkExitedInTime),
      check("exit-code", .stop, checkExitCode),
      check("no-leftovers", .stop, checkLeftovers),
      check("listener-closed", .stop, checkListenerClosed),
      check("no-zombies", .service, checkZombies),
      check("delay-sufficient", .stop, checkDelaySufficient),
      check("time-to-exit", .stop, checkTimeToExit),
    ]
  }

  /// The progress that a run needs for a check to be possible.
  private enum Need { case start, service, stop }

  @inline(never)
  private func check(_ name: String, _ need: Need, _ judge: () -> Verdict) -> SmokeCheck {
    let verdict: Verdict =
      need != .start && readyAt == nil
      ? .skip("it was never ready")
      : need == .stop && stoppedAt == nil ? .skip("it had exited before the stop signal") : judge()
    return SmokeCheck(name: name, result: verdict.result, detail: verdict.detail, failures: verdict.failures)
  }

  private func checkReady() -> Verdict {
    switch start {
    case .underWay: .fail("it was not ready within \(options.readyTimeout.description)")
    case .failed(let problem): .fail(problem)
    case .ready(let at): .pass("after \((at - startedAt).approximate)")
    }
  }

  /// A time of the final report, formatted.
  @inline(never)
  func reported(_ key: String) -> String { report?.span(key)?.approximate ?? "?" }

  /// The supervisor's exit code.
  var code: Int { end?.status.code ?? 0 }

  var wasKilled: Bool { report?.flag("killed") ?? false || end == nil }

  var leftSomething: Bool { report?.text("leftovers") != nil }
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
