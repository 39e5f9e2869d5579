import Primitives

/// The times of a stop: the given ones, and defaults that fit beside them. Only given times can be too long.
package struct StopTimes: Equatable, Sendable {
  /// The time from the stop signal to the orchestrator's SIGKILL.
  package let terminationGracePeriod: TimeAmount
  /// How long before the orchestrator's SIGKILL ebb sends its own.
  package let killMargin: TimeAmount
  /// How long the command keeps serving after the stop signal.
  package let delay: TimeAmount
  /// The maximum duration of the drain after the delay.
  package let drainTimeout: TimeAmount
  /// The time without a new connection or an inbound byte after which traffic is quiet.
  package let drainQuiet: TimeAmount
  /// The time reserved for the command after forwarding: `--grace`, or a small default.
  package let grace: TimeAmount
  /// The drain's share of the sum: 0 in mode `time`.
  private let drainInSum: TimeAmount

  /// The period if neither an option nor the orchestrator determines it.
  static let defaultPeriod = TimeAmount.seconds(30)

  package init(_ options: RunOptions) {
    let period = options.terminationGracePeriod
    self.init(
      options, period: period ?? StopTimes.defaultPeriod,
      likelyPeriod: period ?? options.orchestrator.likelyPeriod)
  }

  /// The kill deadline depends on `period`; the defaults of delay and drain depend on `likelyPeriod`.
  private init(_ options: RunOptions, period: TimeAmount, likelyPeriod: TimeAmount) {
    let little = min(.seconds(1), period / 10)
    let margin = options.killMargin ?? little
    let grace = options.grace ?? little
    let left = max(.zero, period - (options.delay ?? .zero) - (options.grace ?? .zero) - margin)
    // The command keeps the other half, and at least the time reserved for it.
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

  /// The time from the stop signal to ebb's SIGKILL, unless `--grace` brings it forward.
  package var killIn: TimeAmount { terminationGracePeriod - killMargin }

  /// The minimum time that the command has between forwarding and SIGKILL.
  private var sureForCommand: TimeAmount { killIn - delay - drainInSum }

  private var fits: Bool { delay + drainInSum + grace + killMargin <= terminationGracePeriod }
}

// MARK: - Times that do not fit

extension StopTimes {
  /// Checks that all phases at their maximum fit into the termination grace period, and throws `UsageError` if not.
  /// Otherwise the orchestrator's SIGKILL would interrupt a stop that looked well configured. The check runs before the
  /// command starts, so that a rollout fails immediately and not at its first stop.
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

  /// Returns the times of the sum that were given.
  private static func givenTimes(_ options: RunOptions) -> [(name: String, span: TimeAmount)] {
    let all = [
      ("delay", options.delay), ("drain-timeout", options.drain == .time ? nil : options.drainTimeout),
      ("grace", options.grace), ("kill-margin", options.killMargin),
    ]
    return all.compactMap { name, span in span.map { (name, $0) } }
  }

  /// Returns the shortest period in whole milliseconds that meets a condition which all longer periods meet too.
  private static func leastPeriod(_ options: RunOptions, _ isMet: (StopTimes) -> Bool) -> TimeAmount {
    let least = (0..<8 * TimeAmount.longest.milliseconds).partitioningIndex {
      isMet(StopTimes(options, period: .milliseconds($0), likelyPeriod: .milliseconds($0)))
    }
    return .milliseconds(least)
  }

  /// Returns a warning if the given times leave the command little time, unless the user chose that time by `--grace`.
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
