import Glibc
import TestSupport

/// Measures the cost of an idle supervisor: memory, threads, and context switches.
func measureIdle(_ bench: Bench) throws(Failure) {
  // Several of each, because the number of file pages per page fault varies.
  let instances = bench.options.rounds(9, quick: 5)
  let seconds = bench.options.rounds(10, quick: 3)
  var running: [(program: Int, session: Session)] = []
  for _ in 0..<instances {
    for program in bench.shuffled() {
      let words = bench.programs[program].running(benchmarkCommand(["wait"]))
      running.append((program, try Session(words)))
    }
  }
  sleep(nanoseconds: 1_500_000_000)

  var resident = Samples(bench.programs)
  var anonymous = Samples(bench.programs)
  var proportional = Samples(bench.programs)
  var threadCount = Samples(bench.programs)
  for (program, session) in running {
    let status = try Proc.numbers("/proc/\(session.pid)/status")
    let rollup = try Proc.numbers("/proc/\(session.pid)/smaps_rollup")
    resident.add(status["VmRSS"] ?? 0, for: program)
    anonymous.add(status["RssAnon"] ?? 0, for: program)
    proportional.add(rollup["Pss"] ?? 0, for: program)
    threadCount.add(status["Threads"] ?? 0, for: program)
  }

  var before: [[String: Double]] = []
  for (_, session) in running { before.append(try switches(session.pid)) }
  sleep(nanoseconds: Int64(seconds) * 1_000_000_000)
  var most: [String: Double] = [:]
  for (index, (program, session)) in running.enumerated() {
    let count = difference(before[index], try switches(session.pid))
    let name = bench.programs[program].name
    most[name] = max(most[name] ?? 0, count)
  }
  for (_, session) in running { _ = session.end() }

  let memory = resident.medians(bench.programs)
  bench.report.add(Row("resident memory, idle (VmRSS)", .kilobytes, memory))
  bench.report.add(Row("of which anonymous (RssAnon)", .kilobytes, anonymous.medians(bench.programs)))
  bench.report.add(
    Row("proportional share, \(instances) running (Pss)", .kilobytes, proportional.medians(bench.programs)))
  bench.report.add(Row("threads", .count, threadCount.medians(bench.programs), ratio: false))
  bench.report.add(Row("context switches in \(seconds) s, most of \(instances)", .count, most, ratio: false))
  bench.report.judge("resident memory, idle, at most 1.0 × tini", .kilobytes, memory, atMost: 1.0)
  let switched = most["ebb"] ?? 0
  bench.report.judge(
    "0 context switches in \(seconds) s idle", measured: "\(fixed(switched, 0)), most of \(instances) instances",
    switched == 0)
}

/// Returns the context switches so far, of both kinds, of each thread.
private func switches(_ pid: pid_t) throws(Failure) -> [String: Double] {
  var result: [String: Double] = [:]
  for thread in Proc.threads(of: pid) {
    let status = try Proc.numbers("/proc/\(pid)/task/\(thread)/status")
    result[thread] = (status["voluntary_ctxt_switches"] ?? 0) + (status["nonvoluntary_ctxt_switches"] ?? 0)
  }
  return result
}

/// Returns the switches between two readings. A thread that appeared or ended was switched to at least once.
private func difference(_ before: [String: Double], _ after: [String: Double]) -> Double {
  var sum = 0.0
  for (thread, count) in after { sum += before[thread].map { count - $0 } ?? max(count, 1) }
  for thread in before.keys where after[thread] == nil { sum += 1 }
  return sum
}
