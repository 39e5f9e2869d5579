import Glibc
import TestSupport

/// Measures the time from just before the spawn to the return of the wait, for `/bin/true`: what the init adds to a
/// container's start and end.
func measureStart(_ bench: Bench) throws(Failure) {
  for placement in Placement.allCases {
    let medians = try place(placement) { () throws(Failure) in try startTimes(bench) }
    bench.report.add(Row("`/bin/true`, start to finish, \(placement.rawValue)", .nanoseconds, medians))
    bench.report.judge(
      "`ebb -- /bin/true` at most 1.05 × tini, \(placement.rawValue)", .nanoseconds, medians, atMost: 1.05)
  }
}

private func startTimes(_ bench: Bench) throws(Failure) -> [String: Double] {
  let launches = bench.programs.map { Launch($0.running(["/bin/true"])) }
  var samples = Samples(bench.programs)
  for round in -20..<bench.options.rounds(2000, quick: 300) {
    for program in bench.shuffled() {
      let start = now()
      let ending = finish(try launches[program].start())
      let time = now() - start
      guard ending == .code(0) else { throw Failure("\(bench.programs[program].name) -- /bin/true: \(ending)") }
      if round >= 0 { samples.add(Double(time), for: program) }
    }
  }
  return samples.medians(bench.programs)
}
