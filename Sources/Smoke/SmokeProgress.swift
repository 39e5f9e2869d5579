import Primitives
import Supervision

extension SmokeObservations {
  /// Formats the progress of the run. It is short, because the command's own output may overwrite it.
  package func progress(at now: Instant) -> String {
    guard let readyAt else { return "starting, \((now - startedAt).approximate)" }
    let requests = total == 0 ? "" : "; \(total) requests, \(failed) failed"
    guard let stoppedAt else {
      return "serving, the stop signal in \((readyAt + options.duration - now).approximate)\(requests)"
    }
    return "\(phase?.name ?? "stopping"), +\((now - stoppedAt).approximate)\(requests)"
  }
}
