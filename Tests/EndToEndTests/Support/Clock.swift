import Foundation

/// The machine's monotonic clock, which is the one ebb's deadlines run on.
enum Clock {
  /// Time since some moment in the past.
  static func now() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// Far beyond what anything here takes even on a machine that is busy with something else.
  static let limit = Duration.seconds(60)

  /// Looks again and again until `condition` holds.
  ///
  /// - Throws: A `Failure` that names `what` when the limit has passed.
  static func wait(for what: String, limit: Duration = limit, until condition: () throws -> Bool) throws {
    let end = now() + limit
    while try !condition() {
      guard now() < end else { throw Failure("gave up waiting for \(what)") }
      usleep(5_000)
    }
  }
}
