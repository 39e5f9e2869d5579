import Primitives

extension Status {
  /// What `ebb probe` says of the run alone, in a few words; nil: nothing against it. `live` asks whether it should be
  /// restarted: a stop is no reason for that, nor a start, which has a timeout of its own.
  package func objection(live: Bool, at moment: Instant) -> String? {
    if live || snapshot.isReady(at: moment) { return nil }
    guard let stop = snapshot.stop else { return snapshot.phase.name }
    return "\(snapshot.phase.name), the stop began \((moment - stop.since).approximate) ago"
  }

  /// Whether the command's answer counts: not where it is yet to come up, or has been told to go away.
  package func asksCommand(live: Bool) -> Bool { !live || (snapshot.phase > .starting && snapshot.phase < .stopping) }
}
