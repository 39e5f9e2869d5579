import Glibc
import TestSupport

/// The grace period of the stops below, in nanoseconds.
private let grace: Int64 = 200_000_000

/// Measures how late SIGKILL comes for a command that ignores SIGTERM, for ebb only: the others have no deadline.
///
/// The deadline is the moment of forwarding plus the grace period, and only ebb knows that moment. It lies between two
/// known ones: just before the harness calls kill() on ebb, and the first statement of the command's TERM handler. The
/// bar uses the earlier one, so the time of forwarding counts as lateness. The end is when a pidfd reports the
/// command's death. The harness needs a processor for that, which counts too.
func measureKill(_ bench: Bench) throws(Failure) {
  let stops = bench.options.rounds(50, quick: 10)
  try measureKill(bench, stops: stops, "machine idle")

  let burner = Launch(benchmarkCommand(["burn"]))
  var burners: [pid_t] = []
  defer {
    for pid in burners {
      kill(pid, SIGKILL)
      _ = finish(pid)
    }
  }
  for _ in 0..<onlineCores() { burners.append(try burner.start()) }
  sleep(nanoseconds: 300_000_000)
  try measureKill(bench, stops: stops, "all cores busy")
}

private func measureKill(_ bench: Bench, stops: Int, _ load: String) throws(Failure) {
  var fromSending: [Double] = []
  var fromHandler: [Double] = []
  var exits: [Double] = []
  for _ in 0..<stops {
    let words = [bench.ebb.path, "--delay", "0", "--grace", "200ms", "-t", "10s", "--drain", "time", "--"]
    let session = try Session(words + benchmarkCommand(["stamp"]))
    let process = try openProcess(session.command)
    defer { close(process) }
    let sent = now()
    kill(session.pid, SIGTERM)
    let handled = try session.receive()
    guard isReady(process, within: 20_000) else { throw Failure("the command outlived its deadline") }
    let died = now()
    let ending = session.end()
    let exited = now()
    guard ending == .code(137) else { throw Failure("ebb after a kill at the deadline: \(ending), not code 137") }
    fromSending.append(Double(died - sent - grace))
    fromHandler.append(Double(died - handled - grace))
    exits.append(Double(exited - died))
  }
  let late = fromSending.max() ?? 0
  let early = fromSending.min() ?? 0
  func pair(_ values: [Double]) -> String {
    "\(fixed(median(values) / 1e6, 2)) / \(fixed((values.max() ?? 0) / 1e6, 2)) ms"
  }
  bench.report.add(Row("SIGKILL after the deadline, p50 / max, \(load)", texts: ["ebb": pair(fromSending)]))
  bench.report.note(
    "SIGKILL, \(load), p50 / max: counted from the command's handler \(pair(fromHandler)); "
      + "ebb's exit after the command's death \(pair(exits))")
  bench.report.judge(
    "SIGKILL within 20 ms after the deadline and never before it, \(load)",
    measured: "\(fixed(early / 1e6, 2)) to \(fixed(late / 1e6, 2)) ms in \(stops) stops", late <= 20e6 && early >= 0)
}
