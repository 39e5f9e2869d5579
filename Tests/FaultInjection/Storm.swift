import Glibc
import TestSupport

/// At its stop the command turns into processes that fork, die and leave their children orphans as fast as they can,
/// and ignore all signals. Ten at a time, 5 ms each, so that the process table does not fill up.
func stormsOfForks(_ options: Options) throws(Failure) -> [FaultResult] {
  let tries = options.times(500, quick: 10)
  let words = ["--delay", "0", "--drain", "time", "--grace", "300ms", "--leftover-timeout", "300ms", "-t", "5s", "--"]
  let ebb = [options.ebb] + words + [options.testApp, "storm", "10", "20"]
  return [
    try storms("stop during a fork storm, as process 1", tries) { () throws(Failure) in
      let run = try SupervisedProcess([options.testApp, "launch", "--pid-namespace", "--"] + ebb)
      return (run, try SupervisedProcess.child(of: run.process.pid))
    },
    try storms("the same as subreaper", tries) { () throws(Failure) in
      let run = try SupervisedProcess(ebb)
      return (run, run.process.pid)
    },
  ]
}

private func storms(
  _ title: String, _ tries: Int, _ start: () throws(Failure) -> (SupervisedProcess, pid_t)
) throws(Failure) -> FaultResult {
  var lost = 0
  var times: [Double] = []
  for _ in 0..<tries {
    let (run, pid) = try start()
    try run.line("ready")
    let sent = now()
    kill(pid, SIGTERM)
    // An orchestrator's SIGKILL would come after 5 s.
    let ending = run.process.ending(within: 5000)
    times.append(Double(now() - sent))
    // The processes have ebb's standard output, so it ends with the last of them.
    _ = run.moreLines(within: 200)
    if ending != .code(137) || !run.isSilent { lost += 1 }
    if lost == 5 { break }
  }
  let figures = [percentile(times, 50), times.max() ?? 0].map { fixed($0 / 1e6, 0) }
  return FaultResult(
    title, tried: tries, lost: lost, measured: "ended after p50 / max \(figures.joined(separator: " / ")) ms",
    bar: "exit 137, no process survives")
}
