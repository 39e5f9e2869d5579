/// What a smoke run shows while it works: a few words, since lines of the command may fall on them.
package func smokeProgress(_ facts: SmokeFacts, at now: Instant) -> String {
  guard let readyAt = facts.readyAt else { return "starting, \((now - facts.startedAt).rough)" }
  let requests = facts.total == 0 ? "" : "; \(facts.total) requests, \(facts.failed) failed"
  guard let stoppedAt = facts.stoppedAt else {
    return "serving, the stop signal in \((readyAt + facts.options.duration - now).rough)\(requests)"
  }
  return "\(facts.phase?.name ?? "stopping"), +\((now - stoppedAt).rough)\(requests)"
}
