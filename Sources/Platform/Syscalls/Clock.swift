import CPlatform
import Primitives

/// CLOCK_MONOTONIC, the clock of every decision; clock_gettime(2).
package func monotonicTime() -> Instant {
  let time = readClock(CLOCK_MONOTONIC)
  return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// CLOCK_BOOTTIME, which goes on while the machine is suspended, and which start times in /proc count from;
/// clock_gettime(2).
func timeSinceBoot() -> TimeAmount {
  let time = readClock(CLOCK_BOOTTIME)
  return TimeAmount(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// CLOCK_REALTIME, for time stamps alone: milliseconds since 1970-01-01 UTC; clock_gettime(2).
package func unixMilliseconds() -> Int {
  let time = readClock(CLOCK_REALTIME)
  return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
}

/// CLOCK_THREAD_CPUTIME_ID: the processor time of this thread; clock_gettime(2).
func threadTime() -> TimeAmount {
  let time = readClock(CLOCK_THREAD_CPUTIME_ID)
  return TimeAmount(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

private func readClock(_ id: clockid_t) -> timespec {
  var time = timespec()
  clock_gettime(id, &time)
  return time
}
