import CPlatform
import Supervision

/// CLOCK_MONOTONIC, the clock of every decision; clock_gettime(2).
package func monotonicTime() -> Instant {
  let time = clock(CLOCK_MONOTONIC)
  return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// CLOCK_BOOTTIME, which goes on while the machine is suspended, and which start times in /proc count from;
/// clock_gettime(2).
func timeSinceBoot() -> Span {
  let time = clock(CLOCK_BOOTTIME)
  return Span(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// CLOCK_REALTIME, for time stamps alone: milliseconds since 1970-01-01 UTC; clock_gettime(2).
package func unixMilliseconds() -> Int {
  let time = clock(CLOCK_REALTIME)
  return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
}

/// CLOCK_THREAD_CPUTIME_ID: the processor time of this thread; clock_gettime(2).
func threadTime() -> Span {
  let time = clock(CLOCK_THREAD_CPUTIME_ID)
  return Span(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

private func clock(_ id: clockid_t) -> timespec {
  var time = timespec()
  clock_gettime(id, &time)
  return time
}
