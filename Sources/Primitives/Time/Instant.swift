/// A moment on the monotonic clock (CLOCK_MONOTONIC), the only clock that ebb uses for decisions. It never jumps, does
/// not follow the wall clock, and stops while the machine is suspended.
package struct Instant: Comparable, Sendable {
  /// Whole nanoseconds since the clock's start.
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
  package static func + (left: Instant, right: TimeAmount) -> Instant {
    Instant(nanoseconds: left.nanoseconds + right.nanoseconds)
  }
  package static func - (left: Instant, right: TimeAmount) -> Instant {
    Instant(nanoseconds: left.nanoseconds - right.nanoseconds)
  }
  /// The time from `right` to `left`; negative if `left` is earlier.
  package static func - (left: Instant, right: Instant) -> TimeAmount {
    TimeAmount(nanoseconds: left.nanoseconds - right.nanoseconds)
  }
}

package func earliest(_ one: Instant?, _ other: Instant?) -> Instant? {
  guard let one, let other else { return one ?? other }
  return min(one, other)
}
