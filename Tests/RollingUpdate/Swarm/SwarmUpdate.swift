import Glibc
import TestSupport

/// One rolling update of a swarm service, and the load balancer that learns of its tasks.
///
/// It has no thread; the caller calls `learn` repeatedly.
final class SwarmUpdate {
  let run: Run
  let service: String
  private let engine: SwarmEngine
  private let balancer: LoadBalancer
  private var traffic: Traffic?
  private var begin: Int64 = 0
  // By the load balancer's number of the server.
  private var added: Set<Int> = []
  private var stops: [Int: Int64] = [:]
  private var ends: [Int: Int64] = [:]
  private var removals: [Int: Int64] = [:]
  private var over: Int64?

  init(_ run: Run, _ service: String, _ engine: SwarmEngine) throws(Failure) {
    (self.run, self.service, self.engine) = (run, service, engine)
    balancer = try LoadBalancer(run.balancer, run.servers, run.app, run.folder, run.programs)
    let variables = (SwarmImage.variables + ["FIRST=\(run.port)"]).flatMap { ["--env", $0] }
    try engine.docker(
      ["service", "create", "--detach", "--no-resolve-image", "--name", service, "--network", "host"]
        + ["--replicas", "\(Run.replicas)", "--stop-grace-period", "\(run.schedule.grace)ms"] + variables
        + ["--entrypoint", (run.way.wrapper + ["/entry"]).joined(separator: " "), SwarmImage.name(run.app, version: 1)])
  }

  /// Whether all replicas of the first version get requests.
  var isReady: Bool { added.isSuperset(of: 0..<Run.replicas) }

  /// Whether the update has ended and the load balancer knows all changes.
  var isOver: Bool {
    ends.count == Run.replicas && removals.count == Run.replicas && added.count == 2 * Run.replicas
  }

  func startTraffic() { traffic = Traffic(run) }

  func start() throws(Failure) {
    begin = now()
    try engine.docker(
      "service", "update", "--detach", "--no-resolve-image", "--image", SwarmImage.name(run.app, version: 2), service)
  }

  /// Adds a list of all tasks. A new task gets requests once it answers. An old one gets no more requests after its stop has
  /// been listed for the lag. Errors: the load balancer refuses a command.
  func learn(_ tasks: [SwarmTask]) throws(Failure) {
    for task in tasks where task.service == service {
      guard let version = SwarmImage.version(task.image) else { continue }
      let server = task.slot - 1 + Run.replicas * (version - 1)
      if task.isWanted {
        guard task.state == "Running", !added.contains(server),
          (try? HTTPClient(run.servers[server]).get("/")) == 200
        else { continue }
        try balancer.add(server)
        added.insert(server)
      } else {
        guard begin > 0, version == 1 else { throw Failure("\(run.title): a replica has ended: \(task.error)") }
        if stops[server] == nil { stops[server] = now() }
        if task.hasEnded, ends[server] == nil { ends[server] = now() }
      }
    }
    for (server, stop) in stops where removals[server] == nil && now() >= stop + Int64(run.lag) * 1_000_000 {
      try balancer.remove(server)
      removals[server] = now()
    }
    if isOver, over == nil { over = now() }
  }

  /// Ends the traffic. Returns the outcome. Errors: docker failed.
  func outcome() throws(Failure) -> Outcome {
    // Traffic went on until the slowest service had ended.
    let last = (over ?? now()) + Int64(run.schedule.calm) * 1_000_000
    let requests = traffic?.finish().filter { $0.start < last } ?? []
    let killed = try engine.exitCodes(service).filter { $0.code == 137 && SwarmImage.version($0.image) == 1 }
    let slots = killed.compactMap { $0.task.split(separator: ".").dropFirst().first.flatMap { Int($0) } }
    var turn = begin
    let replacements = stops.sorted { $0.value < $1.value }.map { server, stop in
      let end = ends[server] ?? stop
      defer { turn = end }
      return Replacement(begin: turn, stop: stop, gone: end, wasKilled: slots.contains(server + 1))
    }
    return Outcome(run: run, requests: requests, replacements: replacements, removals: removals.values.sorted())
  }

  /// Writes the output of all tasks to a file, for the log lines of ebb.
  func saveLogs() throws(Failure) {
    try engine.saveLogs(of: service, to: run.folder + "/tasks.log")
  }
}
