import Primitives
import Supervision

/// Formats the progress of a smoke run. It is short, because the command's own output may overwrite it.
package func smokeProgress(_ observations: SmokeObservations, at now: Instant) -> String {
  guard let readyAt = observations.readyAt else { return "starting, \((now - observations.startedAt).approximate)" }
  let requests = observations.total == 0 ? "" : "; \(observations.total) requests, \(observations.failed) failed"
  guard let stoppedAt = observations.stoppedAt else {
    return "serving, the stop signal in \((readyAt + observations.options.duration - now).approximate)\(requests)"
  }
  return "\(observations.phase?.name ?? "stopping"), +\((now - stoppedAt).approximate)\(requests)"
}
