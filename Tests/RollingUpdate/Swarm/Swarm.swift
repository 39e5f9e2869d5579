import Glibc
import TestSupport

/// Does the rolling updates with a real orchestrator: a Docker swarm updates services to another image. Errors: a program is
/// missing, or the engine fails.
func runOnSwarm(_ schedule: Schedule, _ programs: Programs, _ folder: String) throws(Failure) -> [Outcome] {
  for (path, package) in [
    ("/usr/sbin/dockerd", "docker.io"), ("/usr/bin/docker", "docker.io"), ("/bin/busybox", "busybox-static"),
    (programs.tini + "-static", "tini"),
  ] where access(path, X_OK) != 0 {
    throw Failure("there is no \(path) (Debian package \(package))")
  }
  // Swarm's ports are fixed. In a new network namespace they are free.
  try enterOwnNetwork()
  let engine = try SwarmEngine(folder + "/engine", programs)
  defer { engine.end() }
  for app in schedule.apps { try SwarmImage.build(app, engine, folder, slow: schedule.slow, programs) }
  var outcomes: [Outcome] = []
  for lag in schedule.lags {
    let runs = try swarmRuns(lag, schedule, programs, folder)
    progress("\(runs.count) services are updated at the same time, lag \(seconds(lag))")
    outcomes += try update(runs, engine, schedule)
    engine.removeServices()
  }
  return outcomes
}

private func swarmRuns(_ lag: Int, _ schedule: Schedule, _ programs: Programs, _ folder: String) throws(Failure)
  -> [Run]
{
  var runs: [Run] = []
  for app in schedule.apps {
    for way in ShutdownStrategy.onSwarm(app, lag: lag, schedule) {
      let own = "\(folder)/lag-\(lag)-\(runs.count)"
      try makeFolder(own)
      let port = 8000 + 10 * UInt16(runs.count)
      runs.append(
        Run(app: app, lag: lag, way: way, schedule: schedule, programs: programs, folder: own, port: port))
    }
  }
  return runs
}

/// Updates all services at the same time. The load balancers learn from the list of tasks, read several times a second.
private func update(_ runs: [Run], _ engine: SwarmEngine, _ schedule: Schedule) throws(Failure) -> [Outcome] {
  var updates: [SwarmUpdate] = []
  for (index, run) in runs.enumerated() { updates.append(try SwarmUpdate(run, "service\(index)", engine)) }
  func learn(for time: Int = 0, until condition: () -> Bool = { true }) throws(Failure) {
    let (begin, limit) = (now(), Int64(300) * 1_000_000_000)
    while now() < begin + Int64(time) * 1_000_000 || !condition() {
      let tasks = try engine.tasks()
      guard now() < begin + limit else { throw Failure("no end of an update after five minutes: \(tasks)") }
      for update in updates { try update.learn(tasks) }
      sleep(nanoseconds: 100_000_000)
    }
  }
  try learn { updates.allSatisfy(\.isReady) }
  for update in updates { update.startTraffic() }
  try learn(for: schedule.calm)
  for update in updates { try update.start() }
  try learn { updates.allSatisfy(\.isOver) }
  try learn(for: schedule.calm)
  var outcomes: [Outcome] = []
  for update in updates {
    outcomes.append(try update.outcome())
    try update.saveLogs()
  }
  return outcomes
}

extension ShutdownStrategy {
  /// All ways to stop that are compared on a swarm. The signal is the image's STOPSIGNAL under ebb too, which recognises
  /// nginx by it.
  fileprivate static func onSwarm(_ app: App, lag: Int, _ schedule: Schedule) -> [ShutdownStrategy] {
    func way(_ kind: Kind, wait: Int = 0, _ wrapper: [String]) -> ShutdownStrategy {
      ShutdownStrategy(kind: kind, wait: wait, wrapper: wrapper, stopSignal: app.stopSignal)
    }
    let delay = schedule.fittedWait(lag: lag)
    let options = ["--delay", "\(delay)ms", "-t", "\(schedule.grace)ms"] + schedule.drain
    // Without an init the kernel drops SIGTERM for an app without a handler, so that run would not show swarm's behaviour.
    return (app == .plain ? [] : [way(.noInit, [])]) + [
      way(.tini, ["/tini", "--"]), way(.ebbDefaults, ["/ebb", "--"]),
      way(.ebb, wait: delay, ["/ebb"] + options + ["--"]),
    ]
  }
}

extension Schedule {
  static let swarm = Schedule(
    apps: [.nginx, .plain], lags: [5000, 10_000], margin: 1000, sleep: 0, grace: 30_000, drain: [], quickClients: 6,
    slowClients: 4,
    runsAtOnce: 8, fewestRequests: 10_000, judgesTimes: false)

  static let shortSwarm = Schedule(
    apps: [.nginx, .plain], lags: [4000], margin: 2000, sleep: 0, grace: 16_000,
    drain: ["--drain-timeout", "6s", "--drain-quiet", "1s"], quickClients: 3, slowClients: 2,
    runsAtOnce: 8, fewestRequests: 1000, judgesTimes: false)
}
