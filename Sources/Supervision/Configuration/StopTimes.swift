import Primitives

/// The times of a stop: those that were given, and defaults that fit beside them. Only what was given can be too long.
package struct StopTimes: Equatable, Sendable {
  /// From the stop signal to the orchestrator's SIGKILL.
  package let terminationGracePeriod: TimeAmount
  /// ebb's SIGKILL comes this long before that.
  package let killMargin: TimeAmount
  /// From the stop signal on the command is left alone for so long.
  package let delay: TimeAmount
  /// The longest that the drain may take after it.
  package let drainTimeout: TimeAmount
  /// Traffic is quiet after so long without a connection or a byte.
  package let drainQuiet: TimeAmount
  /// Kept for the command after the forwarding: `--grace`, or a little where that was not given.
  package let grace: TimeAmount
  /// What the sum of the phases may reach.
  private let drainInSum: TimeAmount

  /// The period where neither an option nor the orchestrator tells one.
  static let defaultPeriod = TimeAmount.seconds(30)

  /// For the options as they were given.
  package init(_ options: RunOptions) {
    let period = options.terminationGracePeriod
    self.init(
      options, period: period ?? StopTimes.defaultPeriod,
      likelyPeriod: period ?? options.orchestrator.likelyPeriod)
  }

  /// The deadline follows `period`; the defaults of delay and drain follow `likelyPeriod`.
  private init(_ options: RunOptions, period: TimeAmount, likelyPeriod: TimeAmount) {
    let little = min(.seconds(1), period / 10)
    let margin = options.killMargin ?? little
    let grace = options.grace ?? little
    let left = max(.zero, period - (options.delay ?? .zero) - (options.grace ?? .zero) - margin)
    // The command keeps the other half, and no less than what is kept for it.
    let room = options.grace == nil ? min(left / 2, max(.zero, left - grace)) : left / 2
    let drain = options.drainTimeout ?? min(.seconds(10), likelyPeriod / 3, room)
    drainInSum = options.drain == .time ? .zero : drain
    terminationGracePeriod = period
    killMargin = margin
    self.grace = grace
    drainTimeout = drain
    drainQuiet = options.drainQuiet ?? min(.seconds(2), drain / 2)
    delay =
      options.delay ?? min(.seconds(5), likelyPeriod / 6, max(.zero, period - margin - grace - drainInSum))
  }

  /// From the stop signal to ebb's SIGKILL, where nothing brings that forward.
  package var killIn: TimeAmount { terminationGracePeriod - killMargin }

  /// How long the command has at least between the forwarding and SIGKILL.
  private var sureForCommand: TimeAmount { killIn - delay - drainInSum }

  private var fits: Bool { delay + drainInSum + grace + killMargin <= terminationGracePeriod }
}

// MARK: - What does not fit

extension StopTimes {
  /// The arithmetic at start: every phase at its longest must fit into what the orchestrator allows, else its SIGKILL
  /// would hit in the middle of a stop that looked well configured. Checked before the command exists, so that a rollout
  /// fails at once and not at its first stop.
  static func check(_ options: RunOptions) throws(UsageError) {
    let times = StopTimes(options)
    guard !times.fits else { return }
    let given = givenTimes(options)
    var equation = ""
    for part in given { equation += "\(equation.utf8.isEmpty ? "" : " + ")\(part.name) \(part.span.description)" }
    let sum = given.reduce(TimeAmount.zero) { $0 + $1.span }
    if given.count > 1 { equation += " = \(sum.description)" }
    let reserve = (options.grace == nil ? times.grace : .zero) + (options.killMargin == nil ? times.killMargin : .zero)
    if reserve > .zero { equation += ", and \(reserve.description) for the end," }
    let origin = options.terminationGracePeriod == nil ? " (not given)" : ""
    var cure = "the least that fits is \(leastPeriod(options) { $0.fits }.description)"
    if options.drain != .time, options.drainTimeout == nil {
      let least = leastPeriod(options) { $0.drainTimeout >= min(.seconds(10), $0.terminationGracePeriod / 3) }
      cure += ", with the default drain \(least.description)"
    }
    throw UsageError(
      message: "\(equation) \(given.count > 1 || reserve > .zero ? "do" : "does") not fit into "
        + "--termination-grace-period \(times.terminationGracePeriod.description)\(origin): \(cure)")
  }

  /// Those times of the sum that were given.
  private static func givenTimes(_ options: RunOptions) -> [(name: String, span: TimeAmount)] {
    let all = [
      ("delay", options.delay), ("drain-timeout", options.drain == .time ? nil : options.drainTimeout),
      ("grace", options.grace), ("kill-margin", options.killMargin),
    ]
    return all.compactMap { name, span in span.map { (name, $0) } }
  }

  /// The shortest period, in whole milliseconds, for which something holds that holds for all longer ones.
  private static func leastPeriod(_ options: RunOptions, _ holds: (StopTimes) -> Bool) -> TimeAmount {
    var (low, high) = (0, 8 * TimeAmount.longest.milliseconds)
    while low < high {
      let middle = low + (high - low) / 2
      let period = TimeAmount.milliseconds(middle)
      if holds(StopTimes(options, period: period, likelyPeriod: period)) { high = middle } else { low = middle + 1 }
    }
    return .milliseconds(low)
  }

  /// What a person has to know before the first stop; nil: nothing. Where a grace was given, it is what was wanted.
  func warning(_ options: RunOptions) -> String? {
    let wanted = min(.seconds(5), terminationGracePeriod / 3)
    let given = StopTimes.givenTimes(options)
    guard options.grace == nil, !given.isEmpty, sureForCommand < wanted else { return nil }
    var names = ""
    for part in given { names += "\(names.utf8.isEmpty ? "" : ", ")\(part.name) \(part.span.description)" }
    return
      "the given times (\(names)) leave the command only \(sureForCommand.brief) from the stop signal's forwarding to "
      + "SIGKILL: shorten them, or raise --termination-grace-period \(terminationGracePeriod.description)"
  }
}
