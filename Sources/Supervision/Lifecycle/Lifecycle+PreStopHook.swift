extension Lifecycle {
  var hookRuns: Bool { hook?.isRunning ?? false }

  mutating func hookEnded(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(status, at: now)
    leftovers?.lookSoon(at: now)
    verbosity.log(
      status.code == 0 ? .info : .warning, "hook-exited", hook?.facts ?? [],
      hook?.wasKilled == true ? "the pre-stop hook took too long and was killed" : "the pre-stop hook has exited",
      &actions)
    drainOnWithoutHook(at: now, &actions)
  }

  mutating func hookFailed(_ failure: SpawnFailure, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(.exited(code: failure.code), at: now)
    verbosity.log(
      .warning, "hook-failed", [("code", .number(failure.code))],
      "the stop goes on without the pre-stop hook: \(failure.message)", &actions)
    drainOnWithoutHook(at: now, &actions)
  }

  /// Its time is over.
  mutating func killHook(_ actions: inout [Action]) {
    guard hookRuns, hook?.wasKilled == false else { return }
    hook?.wasKilled = true
    actions.append(.killHook)
  }
}
