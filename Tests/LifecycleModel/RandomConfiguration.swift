import Supervision

extension Configuration {
  /// Options that fit into the grace period and are otherwise as they come.
  package static func random(_ random: inout SplitMix64) -> Configuration {
    Configuration("random") { options in
      options.delay = .random(upTo: 20, &random)
      options.drain = [.time, .idle, .zero].randomElement(using: &random) ?? .idle
      options.drainTimeout = .random(upTo: 20, &random)
      options.drainQuiet = .random(upTo: 5, &random)
      options.killMargin = .random(upTo: 3, &random)
      options.leftoverTimeout = .random(upTo: 10, &random)
      options.readyHold = .random(upTo: 20, &random)
      if Bool.random(using: &random) { options.grace = .random(upTo: 20, &random) }
      if Bool.random(using: &random) { options.ports = [80] }
      if Bool.random(using: &random) { options.preStop = ["hook"] }
      if Bool.random(using: &random) {
        options.readyTCP = 80
        options.startupTimeout = .random(upTo: 10, &random)
      }
      options.signalsGroup = Bool.random(using: &random)
      let drain = options.drain == .time ? .zero : options.drainTimeout
      let needed = options.delay + drain + (options.grace ?? .seconds(1)) + options.killMargin
      options.terminationGracePeriod = needed + .random(upTo: 10, &random)
    }
  }
}

extension Span {
  /// To the nanosecond; zero every now and then.
  fileprivate static func random(upTo seconds: Int, _ random: inout SplitMix64) -> Span {
    guard Int.random(in: 0..<8, using: &random) > 0 else { return .zero }
    return Span(nanoseconds: Int64.random(in: 0...Int64(seconds) * 1_000_000_000, using: &random))
  }
}
