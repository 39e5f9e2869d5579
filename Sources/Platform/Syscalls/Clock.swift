import CPlatform
import Primitives

/// Returns CLOCK_MONOTONIC, the clock of every decision; clock_gettime(2).
package func monotonicTime() -> Instant {
  let time = readClock(CLOCK_MONOTONIC)
  return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Returns CLOCK_BOOTTIME, which includes suspended time and is the clock of start times in /proc; clock_gettime(2).
func timeSinceBoot() -> TimeAmount {
  let time = readClock(CLOCK_BOOTTIME)
  return TimeAmount(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Returns CLOCK_REALTIME, used only for timestamps, in milliseconds since 1970-01-01 UTC; clock_gettime(2).
package func unixMilliseconds() -> Int {
  let time = readClock(CLOCK_REALTIME)
  return Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
}

/// Returns CLOCK_THREAD_CPUTIME_ID, the CPU time of this thread; clock_gettime(2).
func threadTime() -> TimeAmount {
  let time = readClock(CLOCK_THREAD_CPUTIME_ID)
  return TimeAmount(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

private func readClock(_ id: clockid_t) -> timespec {
  var time = timespec()
  clock_gettime(id, &time)
  return time
}
