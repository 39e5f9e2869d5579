import Glibc
import TestSupport

/// One rolling update: an app, a way to stop it, and how long the load balancer takes to hear of a stop.
struct Run: Sendable {
  let app: App
  let lag: Int
  let way: ShutdownStrategy
  let schedule: Schedule
  let programs: Programs
  let folder: String
  /// The load balancer's; the replicas have the next ones. In a network of its own, as a pod has it: nothing else
  /// listens there, and no other connections count.
  var port: UInt16 = 8000
  var balancer: Endpoint { Endpoint(port: port) }
  /// The replicas of the old version, and behind them those of the new one.
  var servers: [Endpoint] { (1...2 * UInt16(Run.replicas)).map { Endpoint(port: port + $0) } }

  static let replicas = 3

  var title: String { "\(app.rawValue), lag \(seconds(lag)), \(way.name)" }
}

/// Of a run that has ended; times in nanoseconds of the monotonic clock.
struct Outcome: Sendable {
  let run: Run
  let requests: [Request]
  let replacements: [Replacement]
  /// When the load balancer was told, for each replacement.
  let removals: [Int64]

  var begin: Int64 { replacements.first?.begin ?? 0 }
  var end: Int64 { replacements.last?.gone ?? 0 }
  var errors: [Request] { requests.filter { $0.fate != .answered } }
}

/// One old replica's turn.
struct Replacement: Sendable {
  /// The new one is started.
  let begin: Int64
  /// The new one is ready, and the stop of the old one begins.
  let stop: Int64
  let gone: Int64
  let wasKilled: Bool
}

/// All that are to be made, in groups that run at the same time.
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

/// All runs of a batch at once, each in a thread.
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
