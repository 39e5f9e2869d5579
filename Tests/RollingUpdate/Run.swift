import Glibc
import TestSupport

/// One rolling update: an app, a way to stop it, and the lag until the load balancer learns of a stop.
struct Run: Sendable {
  let app: App
  /// Milliseconds.
  let lag: Int
  let way: ShutdownStrategy
  let schedule: Schedule
  let programs: Programs
  let folder: String
  /// The port of the load balancer; the replicas have the next ports. Each run has its own network namespace, as a pod has,
  /// so no other connections count.
  var port: UInt16 = 8000
  /// The endpoint of the load balancer.
  var balancer: Endpoint { Endpoint(port: port) }
  /// The endpoints of the replicas: those of the old version, then those of the new one.
  var servers: [Endpoint] { (1...2 * UInt16(Run.replicas)).map { Endpoint(port: port + $0) } }

  static let replicas = 3

  var title: String { "\(app.rawValue), lag \(seconds(lag)), \(way.name)" }
}

/// The result of a run. Times are nanoseconds of the monotonic clock.
struct Outcome: Sendable {
  let run: Run
  let requests: [Request]
  let replacements: [Replacement]
  /// When the load balancer removed the old replica, for each replacement.
  let removals: [Int64]

  var begin: Int64 { replacements.first?.begin ?? 0 }
  var end: Int64 { replacements.last?.gone ?? 0 }
  var errors: [Request] { requests.filter { $0.fate != .answered } }
}

/// The replacement of one old replica.
struct Replacement: Sendable {
  /// When the new replica was started.
  let begin: Int64
  /// When the new replica was ready and the stop of the old one began.
  let stop: Int64
  /// When the old replica had ended.
  let gone: Int64
  let wasKilled: Bool
}

/// All runs of a schedule, in groups that run at the same time. Errors: a folder cannot be made.
func batches(_ schedule: Schedule, _ programs: Programs, _ folder: String) throws(Failure) -> [[Run]] {
  var runs: [Run] = []
  for lag in schedule.lags {
    for app in schedule.apps {
      for way in ShutdownStrategy.all(app, lag: lag, schedule, programs) {
        let own = "\(folder)/\(runs.count)"
        try makeFolder(own)
        runs.append(
          Run(app: app, lag: lag, way: way, schedule: schedule, programs: programs, folder: own))
      }
    }
  }
  return stride(from: 0, to: runs.count, by: schedule.runsAtOnce).map { first in
    Array(runs[first..<min(first + schedule.runsAtOnce, runs.count)])
  }
}

/// Runs a batch, each run in a thread. Errors: a run failed.
func runTogether(_ batch: [Run]) throws(Failure) -> [Outcome] {
  let names = Set(batch.map { "\($0.app.rawValue), lag \(seconds($0.lag))" }).sorted()
  progress("\(batch.count) updates side by side: \(names.joined(separator: "; "))")
  let threads = batch.map { run in
    WorkerThread { () -> Result<Outcome, Failure> in
      do throws(Failure) {
        try enterOwnNetwork()
        return .success(try Update(run).outcome())
      } catch {
        return .failure(Failure("\(run.title): \(error.description)"))
      }
    }
  }
  var outcomes: [Outcome] = []
  for result in threads.map({ $0.join() }) { outcomes.append(try result.get()) }
  return outcomes
}
