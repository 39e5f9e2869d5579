import Glibc
import TestSupport

/// Measures an exec probe and a status query from start to finish, beside `/bin/true`. ebb is PID 1 of a PID namespace,
/// as in a container, and they run in it. The clock is read inside, so entering is not timed.
func measureInspection(_ bench: Bench) throws(Failure) {
  guard geteuid() == 0 else {
    bench.report.note("`ebb status` and `ebb probe` in a pid namespace take root: left out")
    return
  }
  let unshare = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"]
  let container = try Session(unshare + bench.ebb.running(benchmarkCommand(["wait"])))
  guard let pid = Proc.children(of: container.pid).first else { throw Failure("unshare has no child") }
  let server = try Session(benchmarkCommand(["serve"]))
  let port = try server.receive()

  let commands = [
    ["/bin/true"],
    [bench.ebb.path, "status"],
    [bench.ebb.path, "probe"],
    [bench.ebb.path, "probe", "--http", "http://127.0.0.1:\(port)/"],
  ]
  let titles = ["/bin/true", "ebb status", "ebb probe", "ebb probe --http URL"]
  let enter = ["/usr/bin/nsenter", "--target", "\(pid)", "--pid", "--mount", "--"]
  var timers: [Session] = []
  for words in commands { timers.append(try Session(enter + benchmarkCommand(["time"] + words))) }

  var samples = commands.map { _ in [Double]() }
  for round in -10..<bench.options.rounds(500, quick: 100) {
    for index in timers.indices.shuffled() {
      timers[index].ask()
      let time = try timers[index].receive()
      guard time >= 0 else { throw Failure("`\(titles[index])` does not exit with 0") }
      if round >= 0 { samples[index].append(Double(time)) }
    }
  }
  for session in timers + [server, container] { _ = session.end() }

  for (title, values) in zip(titles, samples) {
    bench.report.add(Row("`\(title)` beside PID 1", .nanoseconds, ["ebb": median(values)], ratio: false))
  }
  for index in [1, 2] {
    let time = median(samples[index])
    let beside = "\(Unit.nanoseconds.text(time)), `/bin/true` \(Unit.nanoseconds.text(median(samples[0])))"
    bench.report.judge("`\(titles[index])` under 3 ms", measured: beside, time < 3e6)
  }
}
