import Primitives

extension Lifecycle {
  var hookRuns: Bool { hook?.isRunning ?? false }

  mutating func hookEnded(_ status: ExitStatus, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(status, at: now)
    leftovers?.lookSoon(at: now)
    verbosity.log(
      status.code == 0 ? .info : .warning, "hook-exited", hook?.fields ?? [],
      hook?.wasKilled == true ? "the pre-stop hook took too long and was killed" : "the pre-stop hook has exited",
      &actions)
    drainOnWithoutHook(at: now, &actions)
  }

  mutating func hookFailed(_ failure: SpawnFailure, at now: Instant, _ actions: inout [Action]) {
    guard hookRuns else { return }
    hook?.end(.exited(code: failure.code), at: now)
    verbosity.log(
      .warning, "hook-failed", [("code", .number(failure.code))],
      "could not start the pre-stop hook; continuing without it: \(failure.message)", &actions)
    drainOnWithoutHook(at: now, &actions)
  }

  /// Kills the hook because its time is over.
  mutating func killHook(_ actions: inout [Action]) {
    guard hookRuns, hook?.wasKilled == false else { return }
    hook?.wasKilled = true
    actions.append(.killHook)
  }
}

/// The `--pre-stop` command. It runs from the stop signal until it exits, or is killed when the drain ends.
struct PreStopHookState: Sendable {
  let startedAt: Instant
  var wasKilled = false
  private(set) var ended: (status: ExitStatus, at: Instant)?

  init(startedAt: Instant) { self.startedAt = startedAt }

  var isRunning: Bool { ended == nil }

  mutating func end(_ status: ExitStatus, at now: Instant) { ended = (status, now) }

  /// The fields for the log and the report; the code is null if the hook has not ended.
  var fields: [(String, FieldValue)] {
    var signal: Signal?
    if case .killed(let by, _) = ended?.status { signal = by }
    return [
      ("code", ended.map { .number($0.status.code) } ?? .null), ("signal", .signal(signal)),
      ("killed", .flag(wasKilled)), ("ms", .span(ended.map { $0.at - startedAt })),
    ]
  }
}
