import TestSupport

/// Simulates the lifecycle: random options, random events in random order, checked against all invariants. The
/// simulated code is compiled as it ships.
func simulatedRuns(_ options: Options) throws(Failure) -> FaultResult {
  let seed = Int.random(in: 0..<1 << 40)
  let run = try SupervisedProcess([
    options.simulation, "24", "\(options.times(20_000_000, quick: 200_000))", "\(seed)",
  ])
  guard let ending = run.process.ending(within: -1), case let lines = run.moreLines(within: 1000),
    let summary = lines.last
  else { throw Failure("the simulation printed nothing") }
  // "N runs, N events, N hours, N problems"
  let numbers = summary.split(separator: ",").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
  guard numbers.count == 4 else { throw Failure("the simulation ended with \(ending): \(summary)") }
  for line in lines.dropLast() { complain(line) }
  return FaultResult(
    "simulated events in any order", tried: numbers[1], lost: numbers[3],
    measured: "\(numbers[0]) runs, \(numbers[2]) hours of simulated time, seed \(seed)", bar: "every invariant holds",
    reached: ending == .code(0))
}
