import Glibc
import TestSupport

/// Checks that every orphan is reaped and that ebb's memory does not grow.
func orphansReaped(_ options: Options) throws(Failure) -> FaultResult {
  let batch = 10_000
  let total = options.times(1_000_000, quick: 20_000)
  let run = try SupervisedProcess([options.ebb, "--", options.testApp, "orphans", "\(batch)", "0"])
  try run.line("ready")
  return try growth("orphans reaped", run, total, batch) { () throws(Failure) in
    run.process.signal(SIGUSR1)
    try run.line("made", within: 120_000)
  } lost: { () throws(Failure) in
    // The command is the only child left, and is not a zombie.
    let end = now() + 20_000_000_000
    while Proc.children(of: run.process.pid).count > 1, now() < end { sleep(nanoseconds: 2_000_000) }
    return Proc.children(of: run.process.pid).count - 1
  }
}

/// Real-time signals queue, so every one must arrive. At most a thousand are pending.
func signalsForwarded(_ options: Options) throws(Failure) -> FaultResult {
  let batch = 1000
  let total = options.times(1_000_000, quick: 20_000)
  let number: Int32 = 36
  let run = try SupervisedProcess([options.ebb, "--", options.testApp, "tally", "\(number)", "\(batch)"])
  try run.line("ready")
  var arrived = 0
  return try growth("signals forwarded", run, total, batch) { () throws(Failure) in
    for _ in 0..<batch { run.process.signal(number) }
    try run.line("tally")
    arrived += batch
  } lost: { () throws(Failure) in
    total - arrived
  }
}

/// Does the work, and compares ebb's anonymous memory after the first tenth with that at the end. File pages do not
/// count, because the kernel drops and loads them at will.
private func growth(
  _ title: String, _ run: SupervisedProcess, _ total: Int, _ batch: Int, _ work: () throws(Failure) -> Void,
  lost: () throws(Failure) -> Int
) throws(Failure) -> FaultResult {
  func anonymous() throws(Failure) -> Int { Int(try Proc.numbers("/proc/\(run.process.pid)/status")["RssAnon"] ?? 0) }
  let batches = total / batch
  var before = 0
  for index in 0..<batches {
    if index == batches / 10 { before = try anonymous() }
    try work()
  }
  let after = try anonymous()
  let lost = try lost()
  run.process.signal(SIGTERM)
  guard run.process.ending(within: 60_000) == .code(0) else { throw Failure("\(title): did not exit with 0") }
  return FaultResult(
    title, tried: total, lost: lost, measured: "\(before) kB of anonymous memory after a tenth, \(after) kB at the end",
    bar: "no growth", reached: after <= before)
}
