import Platform
import Primitives
import Supervision

/// The public state of a run: the status page and the responses of the health endpoint.
final class StatusBoard {
  private let info: SupervisorInfo
  /// `nil` if it cannot be created; the command runs without it.
  private let page: StatusPageWriter?

  init(_ info: SupervisorInfo, _ snapshot: StatusSnapshot, _ journal: Journal) {
    self.info = info
    do throws(Errno) {
      page = try StatusPageWriter(Status(info: info, snapshot: snapshot))
    } catch {
      page = nil
      journal.warn(
        "no-status-page",
        "cannot create the status page: \(error.description); ebb status, stop and probe will not find this supervisor")
    }
  }

  func update(_ snapshot: StatusSnapshot) { page?.update(snapshot) }

  func update(received: Int, forwarded: Int) { page?.update(received: received, forwarded: forwarded) }

  func update(reaped: Int) { page?.update(reaped: reaped) }

  /// Whether `ebb stop --now` has left its request.
  var isStopNowRequested: Bool { page?.isStopNowRequested ?? false }

  func response(_ path: HealthPath, of lifecycle: Lifecycle, at now: Instant) -> HealthResponse {
    switch path {
    case .ready: return .readiness(lifecycle.isReady(at: now), lifecycle.phase)
    case .live: return .liveness
    // Without processes (a client must not cause scans of /proc) and command line (it may contain secrets).
    case .status: return .json(status(of: lifecycle).json(pid: info.pid, processes: nil, at: now))
    case .metrics: return .metrics(status(of: lifecycle).prometheusMetrics(at: now))
    }
  }

  private func status(of lifecycle: Lifecycle) -> Status { Status(info: info, snapshot: lifecycle.snapshot) }
}
