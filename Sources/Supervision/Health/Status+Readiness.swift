import Primitives

extension Status {
  /// Returns why `ebb probe` fails because of the run alone, in a few words; `nil` if it does not. With `live`, a stop
  /// is not a reason to restart, and neither is a start, which has its own timeout.
  package func objection(live: Bool, at moment: Instant) -> String? {
    if live || snapshot.isReady(at: moment) { return nil }
    guard let stop = snapshot.stop else { return snapshot.phase.name }
    return "\(snapshot.phase.name), the stop began \((moment - stop.since).approximate) ago"
  }

  /// Whether the probe must query the command: not while it starts, and not after it was signalled to stop.
  package func asksCommand(live: Bool) -> Bool { !live || (snapshot.phase > .starting && snapshot.phase < .stopping) }
}
