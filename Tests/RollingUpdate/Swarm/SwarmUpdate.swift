import Glibc
import TestSupport

/// One rolling update of a swarm service, and the load balancer that learns of its tasks.
///
/// It has no thread of its own: `learn` is called again and again.
final class SwarmUpdate {
  let run: Run
  let service: String
  private let engine: SwarmEngine
  private let balancer: LoadBalancer
  private var traffic: Traffic?
  private var begin: Int64 = 0
  /// By the load balancer's number of a server.
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

  /// Whether there is nothing left to learn.
  var isOver: Bool {
    ends.count == Run.replicas && removals.count == Run.replicas && added.count == 2 * Run.replicas
  }

  func startTraffic() { traffic = Traffic(run) }

  func start() throws(Failure) {
    begin = now()
    try engine.docker(
      "service", "update", "--detach", "--no-resolve-image", "--image", SwarmImage.name(run.app, version: 2), service)
  }

  /// Takes in a look at all tasks: a new one gets requests once it answers, and an old one gets none any more when its
  /// stop has been known for the lag.
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

  /// Ends the traffic; what became of the requests.
  func outcome() throws(Failure) -> Outcome {
    // The other services may have taken longer.
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

  /// What every task wrote: ebb logs why it did what it did.
  func saveLogs() throws(Failure) {
    try engine.saveLogs(of: service, to: run.folder + "/tasks.log")
  }
}
