import Glibc
import TestSupport

/// Measures ebb's HTTP endpoint: how soon it reports a stop, whether it delays signals, and its memory.
func measureHealth(_ bench: Bench) throws(Failure) {
  try measureFirstRefusal(bench)
  try measureSignalsUnderLoad(bench)
  try measureMemory(bench)
}

/// Measures the time from just before kill() to the end of the first 503, for a client that requests without pause.
private func measureFirstRefusal(_ bench: Bench) throws(Failure) {
  var times: [Double] = []
  for _ in 0..<bench.options.rounds(20, quick: 10) {
    let (session, port) = try startWithHealth(bench, ["wait"])
    for _ in 0..<50 where get("/readyz", port: port) != 200 { throw Failure("/readyz before the stop is not 200") }
    let sent = now()
    kill(session.pid, SIGTERM)
    var status = get("/readyz", port: port)
    while status == 200, now() - sent < 4_000_000_000 { status = get("/readyz", port: port) }
    times.append(Double(now() - sent))
    guard status == 503 else { throw Failure("/readyz after SIGTERM: \(status.map { "\($0)" } ?? "no answer")") }
    // The command exits at the end of its input, which cuts the delay short.
    _ = session.end()
  }
  let most = times.max() ?? 0
  let pair = "\(Unit.nanoseconds.text(median(times))) / \(Unit.nanoseconds.text(most))"
  bench.report.add(Row("SIGTERM to the first 503 of /readyz, p50 / max", texts: ["ebb": pair]))
  bench.report.judge(
    "first 503 of /readyz within 10 ms of SIGTERM", measured: "\(pair) in \(times.count) stops", most <= 10e6)
}

/// Measures a forwarded signal as in Signals.swift (sender busy before, all processors), in turn without and with a
/// client that requests /readyz at a steady rate. The same client at another server shows how much of the difference
/// comes only from busier processors.
private func measureSignalsUnderLoad(_ bench: Bench) throws(Failure) {
  let rate = 2000
  var quiet: [Double] = []
  var elsewhere: [Double] = []
  var loaded: [Double] = []
  var requests = 0.0
  var failures = 0.0
  var nanoseconds = 0.0
  let server = try Session(benchmarkCommand(["serve"]))
  let other = try server.receive()
  for _ in 0..<bench.options.rounds(8, quick: 3) {
    let (session, port) = try startWithHealth(bench, ["stamp"])
    quiet += try latencies(session, bench)
    for asked in [other, Int64(port)] {
      let client = try Session(benchmarkCommand(["request", "\(asked)", "\(rate)"]))
      client.ask()
      sleep(nanoseconds: 100_000_000)
      let times = try latencies(session, bench)
      client.ask()
      let counts = try (Double(client.receive()), Double(client.receive()), Double(client.receive()))
      _ = client.end()
      if asked == other {
        elsewhere += times
      } else {
        loaded += times
        requests += counts.0
        failures += counts.1
        nanoseconds += counts.2
      }
    }
    _ = session.end()
  }
  _ = server.end()
  let circumstances = ["no requests", "\(rate) requests a second elsewhere", "\(rate) requests a second"]
  for (title, values) in zip(circumstances, [quiet, elsewhere, loaded]) {
    let pair = [50, 99].map { Unit.nanoseconds.text(percentile(values, $0)) }.joined(separator: " / ")
    bench.report.add(Row("forwarded signal with --health, \(title), p50 / p99", texts: ["ebb": pair]))
  }
  let reached = "\(fixed(requests / nanoseconds * 1e9, 0)) requests a second, \(fixed(failures, 0)) failed"
  bench.report.add(Row("/readyz during that time", texts: ["ebb": reached]))
  let ratio = median(loaded) / median(quiet)
  bench.report.judge(
    "forwarded signal with \(rate) requests a second at most 2.0 × without",
    measured: "\(fixed(ratio, 2)) × (\(reached))", ratio <= 2 && failures == 0)
}

private func latencies(_ session: Session, _ bench: Bench) throws(Failure) -> [Double] {
  var times: [Double] = []
  for round in -5..<bench.options.rounds(1000, quick: 500) {
    spin(nanoseconds: 300_000)
    let sent = now()
    kill(session.pid, SIGUSR1)
    let arrived = try session.receive()
    if round >= 0 { times.append(Double(arrived - sent)) }
  }
  return times
}

/// Measures the resident memory that the endpoint adds after use.
private func measureMemory(_ bench: Bench) throws(Failure) {
  var plain: [Double] = []
  var used: [Double] = []
  for _ in 0..<5 {
    let without = try Session(bench.ebb.running(benchmarkCommand(["wait"])))
    let (with, port) = try startWithHealth(bench, ["wait"])
    for _ in 0..<2000 where get("/readyz", port: port) != 200 { throw Failure("/readyz is not 200") }
    sleep(nanoseconds: 500_000_000)  // as between two probes
    plain.append(try Proc.numbers("/proc/\(without.pid)/status")["VmRSS"] ?? 0)
    used.append(try Proc.numbers("/proc/\(with.pid)/status")["VmRSS"] ?? 0)
    _ = with.end()
    _ = without.end()
  }
  let more = median(used) - median(plain)
  bench.report.add(
    Row("resident memory that --health adds, 2000 requests", .kilobytes, ["ebb": more], ratio: false))
  bench.report.judge(
    "--health adds at most 100 kB of resident memory",
    measured: "\(fixed(more, 0)) kB (\(fixed(median(plain), 0)) to \(fixed(median(used), 0)))", more <= 100)
}

/// Starts ebb with its endpoint on a free port. Returns when it responds.
private func startWithHealth(_ bench: Bench, _ command: [String]) throws(Failure) -> (session: Session, port: UInt16) {
  let port = try freePort()
  let words = [
    bench.ebb.path, "--health", "127.0.0.1:\(port)", "--delay", "5s", "--drain", "time", "--ports", "1", "--",
  ]
  let session = try Session(words + benchmarkCommand(command))
  let end = now() + 5_000_000_000
  while get("/readyz", port: port) != 200 {
    guard now() < end else { throw Failure("/readyz does not become 200") }
    sleep(nanoseconds: 1_000_000)
  }
  return (session, port)
}
