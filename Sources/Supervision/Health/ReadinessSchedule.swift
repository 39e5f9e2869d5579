import Primitives

/// When to ask a starting command whether it is ready: every 100 ms at first, and then ever more slowly, down to once a
/// second.
struct ReadinessSchedule: Sendable {
  /// An attempt is under way.
  private(set) var isAsking = false
  /// Why the last attempt failed.
  private(set) var lastProblem: String?
  private var interval = TimeAmount.milliseconds(100)
  private var startedAt: Instant
  private var askAt: Instant

  /// A server that has not answered after so long is asked anew: it may have accepted the connection before it could
  /// serve.
  private static let attemptTime = TimeAmount.seconds(1)
  private static let maxInterval = TimeAmount.seconds(1)

  /// The first attempt is due at once.
  init(at now: Instant) { (startedAt, askAt) = (now, now) }

  /// When the next attempt is due, or the end of the one under way.
  var wakeUp: Instant { isAsking ? startedAt + ReadinessSchedule.attemptTime : askAt }

  mutating func begin(at now: Instant) {
    isAsking = true
    startedAt = now
  }

  mutating func failed(at now: Instant, _ problem: String) {
    isAsking = false
    lastProblem = problem
    askAt = max(now, startedAt + interval)
    interval = min(ReadinessSchedule.maxInterval, interval + interval / 4)
  }
}
