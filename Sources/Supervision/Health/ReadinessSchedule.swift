/// When to ask a starting command whether it is ready: every 100 ms at first, and then ever more slowly, down to once a
/// second.
struct ReadinessSchedule: Sendable {
  /// An attempt is under way.
  private(set) var isAsking = false
  /// Why the last attempt failed.
  private(set) var lastProblem: String?
  private var interval = Span.milliseconds(100)
  private var begunAt: Instant
  private var askAt: Instant

  /// A server that has not answered after so long is asked anew: it may have accepted the connection before it could
  /// serve.
  private static let attemptTime = Span.seconds(1)
  private static let longestInterval = Span.seconds(1)

  /// The first attempt is due at once.
  init(at now: Instant) { (begunAt, askAt) = (now, now) }

  /// When the next attempt is due, or the end of the one under way.
  var wakeUp: Instant { isAsking ? begunAt + ReadinessSchedule.attemptTime : askAt }

  mutating func begin(at now: Instant) {
    isAsking = true
    begunAt = now
  }

  mutating func failed(at now: Instant, _ problem: String) {
    isAsking = false
    lastProblem = problem
    askAt = max(now, begunAt + interval)
    interval = min(ReadinessSchedule.longestInterval, interval + interval / 4)
  }
}
