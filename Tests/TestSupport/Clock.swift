import Glibc

/// CLOCK_MONOTONIC, the clock that ebb's deadlines use.
package enum Clock {
  /// Time since an arbitrary moment in the past.
  package static func now() -> Duration { .nanoseconds(TestSupport.now()) }

  /// Far longer than any wait takes, even on a busy machine.
  package static let limit = Duration.seconds(60)

  /// Checks the condition every 5 ms until it is true.
  ///
  /// - Returns: Whether the condition became true within the limit.
  package static func poll<E: Error>(limit: Duration = limit, until condition: () throws(E) -> Bool) throws(E) -> Bool {
    let end = now() + limit
    while try !condition() {
      guard now() < end else { return false }
      sleep(nanoseconds: 5_000_000)
    }
    return true
  }

  /// Checks the condition every 5 ms until it is true.
  ///
  /// - Throws: A `Failure` that names `what` if the limit has passed, or the error of the condition.
  package static func wait(for what: String, limit: Duration = limit, until condition: () throws -> Bool) throws {
    guard try poll(limit: limit, until: condition) else { throw Failure("timed out waiting for \(what)") }
  }
}

/// Returns nanoseconds of CLOCK_MONOTONIC: the clock that harness and command share.
package func now() -> Int64 {
  read(clock: CLOCK_MONOTONIC)
}

private func read(clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Returns the nanoseconds of processor time that a process has used, user and system. It includes threads that have
/// ended, which schedstat omits.
///
/// - Throws: A `Failure` if there is no such process.
package func processorTime(of pid: pid_t) throws(Failure) -> Int64 {
  var clock = clockid_t()
  let error = clock_getcpuclockid(pid, &clock)
  guard error == 0 else { throw Failure("clock_getcpuclockid(\(pid)): \(text(error))") }
  return read(clock: clock)
}

/// Sleeps without using a processor.
package func sleep(nanoseconds: Int64) {
  var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  var remaining = timespec()
  while nanosleep(&time, &remaining) == -1 && errno == EINTR { time = remaining }
}

/// Keeps the processor busy, so that it neither sleeps nor lowers its frequency.
package func spin(nanoseconds: Int64) {
  let end = now() + nanoseconds
  while now() < end {}
}
