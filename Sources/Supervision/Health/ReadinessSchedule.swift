import Primitives

/// The schedule of readiness checks for a starting command: every 100 ms at first, then growing intervals up to 1 s.
struct ReadinessSchedule: Sendable {
  /// An attempt is in progress.
  private(set) var isAsking = false
  private(set) var lastProblem: String?
  private var interval = TimeAmount.milliseconds(100)
  private var startedAt: Instant
  private var askAt: Instant

  /// The time after which an attempt is repeated: the server may have accepted the connection before it could serve.
  private static let attemptTime = TimeAmount.seconds(1)
  private static let maxInterval = TimeAmount.seconds(1)

  /// Makes the first attempt due immediately.
  init(at now: Instant) { (startedAt, askAt) = (now, now) }

  /// The moment at which the next attempt is due, or at which the current one times out.
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
