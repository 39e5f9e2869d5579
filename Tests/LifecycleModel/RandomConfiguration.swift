import Primitives
import Supervision

extension Configuration {
  private static func asleep(_ random: inout SplitMix64) -> Configuration {
    Configuration("asleep") { options in
      options.targetsProcessGroup = Bool.random(using: &random)
      options.logsReapedOrphans = Bool.random(using: &random)
      options.newSession = Bool.random(using: &random)
      if Bool.random(using: &random) { options.rewrites.add(from: .sighup, to: nil) }
      if Bool.random(using: &random) { options.rewrites.add(from: .sigterm, to: .sigusr2) }
      if Bool.random(using: &random) { options.exitCodeRemaps = [ExitCodeRemap(from: 5, to: 0)] }
      options.sleep(as: [.tini, .dumbInit, .catatonit].randomElement(using: &random) ?? .tini)
    }
  }

  /// Random options that fit into the termination grace period.
  package static func random(_ random: inout SplitMix64) -> Configuration {
    if Int.random(in: 0..<8, using: &random) == 0 { return asleep(&random) }
    let hasProc = Int.random(in: 0..<8, using: &random) > 0
    let commandSupervises = Int.random(in: 0..<8, using: &random) == 0
    return Configuration("random", hasProc: hasProc, commandSupervises: commandSupervises) { options in
      if Bool.random(using: &random) { options.delay = .random(upTo: 20, &random) }
      options.drain = [.time, .idle, .zero].randomElement(using: &random) ?? .idle
      if Bool.random(using: &random) { options.drainTimeout = .random(upTo: 20, &random) }
      if Bool.random(using: &random) { options.drainQuiet = .random(upTo: 5, &random) }
      if Bool.random(using: &random) { options.killMargin = .random(upTo: 3, &random) }
      if Bool.random(using: &random) { options.leftoverTimeout = .random(upTo: 10, &random) }
      options.orchestrator = Orchestrator.allCases.randomElement(using: &random) ?? .unknown
      options.readyHold = .random(upTo: 20, &random)
      if Bool.random(using: &random) { options.grace = .random(upTo: 20, &random) }
      if Bool.random(using: &random) { options.ports = [80] }
      if Bool.random(using: &random) { options.preStop = ["hook"] }
      if Bool.random(using: &random) {
        options.readyTCP = 80
        options.startupTimeout = .random(upTo: 10, &random)
      }
      options.targetsProcessGroup = Bool.random(using: &random)
      if Int.random(in: 0..<8, using: &random) == 0 { options.rewrites.add(from: .sigterm, to: .sigusr2) }
      let drain = options.drain == .time ? .zero : options.drainTimeout ?? .zero
      let given =
        (options.delay ?? .zero) + drain + (options.grace ?? .seconds(1)) + (options.killMargin ?? .seconds(1))
      let fitsByItself = given <= .seconds(30) && Bool.random(using: &random)
      if !fitsByItself { options.terminationGracePeriod = given + .random(upTo: 10, &random) }
    }
  }
}

extension TimeAmount {
  /// A random time in nanoseconds; zero in one of eight cases.
  fileprivate static func random(upTo seconds: Int, _ random: inout SplitMix64) -> TimeAmount {
    guard Int.random(in: 0..<8, using: &random) > 0 else { return .zero }
    return TimeAmount(nanoseconds: Int64.random(in: 0...Int64(seconds) * 1_000_000_000, using: &random))
  }
}
