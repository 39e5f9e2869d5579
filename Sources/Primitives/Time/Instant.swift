/// A moment on the monotonic clock (CLOCK_MONOTONIC), the only clock that ebb decides by: it neither jumps nor follows
/// the wall clock, and it stands still while the machine is suspended.
package struct Instant: Comparable, Sendable {
  /// Time since the clock's start, in whole nanoseconds.
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
  package static func + (left: Instant, right: TimeAmount) -> Instant {
    Instant(nanoseconds: left.nanoseconds + right.nanoseconds)
  }
  package static func - (left: Instant, right: TimeAmount) -> Instant {
    Instant(nanoseconds: left.nanoseconds - right.nanoseconds)
  }
  /// From the right one to the left one; negative where the left one is earlier.
  package static func - (left: Instant, right: Instant) -> TimeAmount {
    TimeAmount(nanoseconds: left.nanoseconds - right.nanoseconds)
  }
}

package func earliest(_ one: Instant?, _ other: Instant?) -> Instant? {
  guard let one, let other else { return one ?? other }
  return min(one, other)
}
