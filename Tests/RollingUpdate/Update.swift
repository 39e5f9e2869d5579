import Glibc
import TestSupport

/// The controller, which replaces one replica after the other as a Deployment with a surge of one does.
///
/// The next replacement begins when the old replica has ended, as with `podReplacementPolicy: TerminationComplete` or in a
/// cluster without room for more. So the time of a termination determines the time of the rollout.
struct Update: Sendable {
  private let run: Run
  private let balancer: LoadBalancer

  init(_ run: Run) throws(Failure) {
    self.run = run
    balancer = try LoadBalancer(run.balancer, run.servers, run.app, run.folder, run.programs)
  }

  /// Does the whole update, with requests from before its beginning until after its end. Errors: a replica or the load
  /// balancer failed.
  func outcome() throws(Failure) -> Outcome {
    var old: [Replica] = []
    for server in 0..<Run.replicas { old.append(try start(server)) }
    let traffic = Traffic(run)
    do throws(Failure) {
      let calm = Int64(run.schedule.calm) * 1_000_000
      sleep(nanoseconds: calm)
      var new: [Replica] = []
      var replacements: [Replacement] = []
      var news: [WorkerThread<Result<Int64, Failure>>] = []
      for replica in old {
        let begin = now()
        new.append(try start(replica.server + Run.replicas))
        // The stop begins while the load balancer does not know of it yet, as in Kubernetes.
        news.append(WorkerThread { [self, server = replica.server] in tell(of: server) })
        let stop = now()
        let wasKilled = replica.stop(grace: run.schedule.grace)
        replacements.append(Replacement(begin: begin, stop: stop, gone: now(), wasKilled: wasKilled))
      }
      var removals: [Int64] = []
      for result in news.map({ $0.join() }) { removals.append(try result.get()) }
      sleep(nanoseconds: calm)
      return Outcome(run: run, requests: traffic.finish(), replacements: replacements, removals: removals)
    } catch {
      _ = traffic.finish()
      throw error
    }
  }

  /// Starts a replica, and sends requests to it once it is ready. Errors: it does not start.
  private func start(_ server: Int) throws(Failure) -> Replica {
    let replica = try Replica(server, run)
    try balancer.add(server)
    return replica
  }

  /// Removes a server from the load balancer after the lag. Returns when it was removed.
  private func tell(of server: Int) -> Result<Int64, Failure> {
    sleep(nanoseconds: Int64(run.lag) * 1_000_000)
    do throws(Failure) {
      try balancer.remove(server)
      return .success(now())
    } catch {
      return .failure(error)
    }
  }
}
