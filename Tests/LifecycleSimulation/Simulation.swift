import LifecycleModel
import Primitives

/// The runs simulated so far.
struct Simulation {
  private(set) var runs = 0
  private(set) var events = 0
  private(set) var problems = 0
  private var seconds: Int64 = 0
  private let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  var hours: Int { Int(seconds / 3600) }

  var summary: String { "\(runs) runs, \(events) events, \(hours) hours, \(problems) problems" }

  /// Simulates one more run. Each has its own seed, so that a failing run can be repeated alone.
  mutating func run() {
    let own = seed &+ UInt64(runs)
    var random = SplitMix64(state: own)
    let walk = LifecycleModel(.random(&random)).walk(steps: 60, &random)
    runs += 1
    events += walk.events
    seconds += walk.lasted.nanoseconds / 1_000_000_000
    guard let problem = walk.problem else { return }
    problems += 1
    if problems <= 5 { print("seed \(Int(own)): \(problem)") }
  }
}
