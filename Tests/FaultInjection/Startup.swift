import Glibc
import TestSupport

/// Sends the stop signal at a random moment of the first milliseconds: before ebb's first instruction, between its
/// steps, before the command exists, and just after.
func stopsDuringStartup(_ options: Options) throws(Failure) -> [FaultResult] {
  let ebb = [options.ebb, "--delay", "0", "--", options.testApp, "signals"]
  let launch = [options.testApp, "launch", "--pid-namespace", "--block", "TERM", "--"]
  let tries = options.times(1000, quick: 50)
  return [
    // The parent blocks the signal until its child is set up, as careful parents do. Then none may be lost at any time.
    // The command inherits the mask and waits for the signal.
    try finding("stop signal during start-up, blocked before ebb runs", tries) { () throws(Failure) in
      let run = try SupervisedProcess(ebb, blocked: [SIGTERM])
      return try stop(run, run.process.pid, mayDie: false)
    },
    try finding("the same as process 1", tries) { () throws(Failure) in
      let run = try SupervisedProcess(launch + ebb)
      return try stop(run, try SupervisedProcess.child(of: run.process.pid), mayDie: false)
    },
    // The signal is not blocked. The kernel may end ebb or the command before its first statement, which is what the
    // signal is for, and does not count as lost.
    try finding("the same with no signal blocked", tries) { () throws(Failure) in
      let run = try SupervisedProcess(ebb)
      return try stop(run, run.process.pid, mayDie: true)
    },
  ]
}

private func finding(
  _ title: String, _ tries: Int, _ attempt: () throws(Failure) -> (isGood: Bool, wasEarly: Bool)
) throws(Failure) -> FaultResult {
  var lost = 0
  var early = 0
  for _ in 0..<tries {
    let (isGood, wasEarly) = try attempt()
    if !isGood { lost += 1 }
    if wasEarly { early += 1 }
    // Each lasts until its timeout, so a few are enough.
    if lost == 5 { break }
  }
  return FaultResult(
    title, tried: tries, lost: lost, measured: "\(early) came before the command existed",
    bar: "the command receives it once, and everything ends")
}

/// Returns whether the command ended as required. `wasEarly`: it had not reported ready yet.
private func stop(_ run: SupervisedProcess, _ pid: pid_t, mayDie: Bool) throws(Failure) -> (
  isGood: Bool, wasEarly: Bool
) {
  // A start takes about 2 ms.
  spin(nanoseconds: Int64.random(in: 0...4_000_000))
  kill(pid, SIGTERM)
  let before = run.moreLines(within: 0)
  let early = before.isEmpty
  guard let ending = run.process.ending(within: 20_000) else { return (false, early) }
  let lines = before + run.moreLines(within: 1000)
  let wasTold = lines.filter { $0 == "got TERM" }.count == 1
  switch ending {
  case .code(0): return (wasTold, early)
  case .signal(SIGTERM): return (mayDie && lines.isEmpty, early)
  case .code(128 + SIGTERM): return (mayDie && !wasTold, early)
  default: return (false, early)
  }
}
