/// The `--pre-stop` command of one stop. It runs from the stop signal until it exits, or is killed when the drain ends.
struct Hook: Sendable {
  let startedAt: Instant
  /// Its time was over.
  var wasKilled = false
  private(set) var ended: (status: ExitStatus, at: Instant)?

  init(startedAt: Instant) { self.startedAt = startedAt }

  var isRunning: Bool { ended == nil }

  mutating func end(_ status: ExitStatus, at now: Instant) { ended = (status, now) }

  /// For the log and the report; the code is null where it has not ended.
  var facts: [(String, FactValue)] {
    var signal: Signal?
    if case .killed(let by, _) = ended?.status { signal = by }
    return [
      ("code", ended.map { .number($0.status.code) } ?? .null), ("signal", .signal(signal)),
      ("killed", .flag(wasKilled)), ("ms", .span(ended.map { $0.at - startedAt })),
    ]
  }
}
