import LifecycleModel
import Testing

/// Orders of events, for several configurations, against the invariants of `LifecycleModel`.
@Suite struct EveryOrderOfEventsTests {
  @Test(arguments: Configuration.all)
  func `every order of four events keeps the invariants of the lifecycle`(_ configuration: Configuration) {
    var failures: [String] = []
    var visited = 0
    var path: [LifecycleModel.Step] = []
    LifecycleModel(configuration).explore(depth: 4, path: &path, &visited, &failures)
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    #expect(visited > 300)
  }

  /// Runs too long to try all of them.
  @Test(arguments: Configuration.all)
  func `random orders of forty events keep the invariants of the lifecycle`(_ configuration: Configuration) {
    var random = SplitMix64(state: 20_260_131)
    for _ in 0..<2000 {
      let problem = LifecycleModel(configuration).walk(steps: 40, &random).problem
      #expect(problem == nil)
      if problem != nil { break }
    }
  }
}
