import Glibc
import TestSupport

/// Measures the init's own CPU time per reaped orphan. As root each init is PID 1 of a PID namespace, as in a
/// container; otherwise a subreaper, which dumb-init cannot be. On one processor, because otherwise the number of
/// deaths per wake-up is random.
func measureOrphans(_ bench: Bench) throws(Failure) {
  let rounds = bench.options.rounds(10, quick: 3)
  if geteuid() != 0, bench.programs.contains(where: { $0.name == "dumb-init" }) {
    bench.report.note("dumb-init reaps orphans only as PID 1, which takes root here: left out of those rows")
  }
  for (way, title) in [("apart", "one by one"), ("together", "1000 at once")] {
    let medians = try place(.one) { () throws(Failure) in
      try costs(bench, ["orphans", way, "1000"], count: 1000, rounds: rounds)
    }
    bench.report.add(Row("processor time per orphan, \(title)", .nanoseconds, medians))
  }
}

private func costs(
  _ bench: Bench, _ command: [String], count: Int, rounds: Int
) throws(Failure) -> [String: Double] {
  let isRoot = geteuid() == 0
  var inits: [(program: Int, session: Session, pid: pid_t)] = []
  for (index, program) in bench.programs.enumerated() {
    if isRoot {
      let words = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"]
      let session = try Session(words + program.running(benchmarkCommand(command)))
      guard let pid = Proc.children(of: session.pid).first else { throw Failure("unshare has no child") }
      inits.append((index, session, pid))
    } else if program.name != "dumb-init" {
      let session = try Session(program.running(benchmarkCommand(command)))
      inits.append((index, session, session.pid))
    }
  }
  var samples = Samples(bench.programs)
  for round in -1..<rounds {
    for (program, session, pid) in inits.shuffled() {
      let before = try processorTime(of: pid)
      session.ask()
      _ = try session.receive()
      try waitUntilReaped(pid, bench.programs[program])
      let cost = Double(try processorTime(of: pid) - before) / Double(count)
      if round >= 0 { samples.add(cost, for: program) }
    }
  }
  for (_, session, _) in inits { _ = session.end() }
  return samples.medians(bench.programs)
}

/// Waits until the command is the only child left. Throws after a timeout.
func waitUntilReaped(_ pid: pid_t, _ program: Program) throws(Failure) {
  let end = now() + 20_000_000_000
  while Proc.children(of: pid).count > 1 {
    guard now() < end else { throw Failure("\(program.name) does not reap its orphans") }
    sleep(nanoseconds: 2_000_000)
  }
}
