/// A length of time. 64 bits of nanoseconds reach 292 years.
package struct TimeAmount: Comparable, Sendable {
  /// Whole nanoseconds; negative for the difference to a later moment.
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  package static func milliseconds(_ count: Int) -> TimeAmount { TimeAmount(nanoseconds: Int64(count) * 1_000_000) }
  package static func seconds(_ count: Int) -> TimeAmount { TimeAmount(nanoseconds: Int64(count) * 1_000_000_000) }
  package static let zero = TimeAmount(nanoseconds: 0)

  /// Whole milliseconds, truncated.
  package var milliseconds: Int { Int(nanoseconds / 1_000_000) }

  package static func < (left: TimeAmount, right: TimeAmount) -> Bool { left.nanoseconds < right.nanoseconds }
  package static func + (left: TimeAmount, right: TimeAmount) -> TimeAmount {
    TimeAmount(nanoseconds: left.nanoseconds + right.nanoseconds)
  }
  /// Subtracts; the result is negative if `right` is longer.
  package static func - (left: TimeAmount, right: TimeAmount) -> TimeAmount {
    TimeAmount(nanoseconds: left.nanoseconds - right.nanoseconds)
  }
  package static func / (left: TimeAmount, right: Int64) -> TimeAmount {
    TimeAmount(nanoseconds: left.nanoseconds / right)
  }
}

extension TimeAmount {
  /// The longest duration that an option accepts. A moment plus a few of these stays far below the 64-bit limit.
  package static let longest = TimeAmount.seconds(366 * 24 * 60 * 60)

  private static let units: [(name: String, milliseconds: Int)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
  ]

  /// Parses `10s`, `500ms` or `1m30s`; a bare number is seconds. `nil` for anything else, and above `longest`.
  package init?(text: String) {
    let limit = TimeAmount.longest.milliseconds
    var remaining = Array(text.utf8)[...]
    if let seconds = parseDecimal(remaining, max: limit / 1000) {
      self = .seconds(seconds)
      return
    }
    var total = 0
    var largestAllowed = Int.max  // units must descend and occur once: `30s1m` is a typing error
    repeat {
      let digits = remaining.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
      let unit = remaining.dropFirst(digits.count).prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }
      guard let count = parseDecimal(digits, max: limit),
        let scale = TimeAmount.units.first(where: { $0.name.utf8.elementsEqual(unit) })?.milliseconds,
        scale < largestAllowed, count <= (limit - total) / scale
      else { return nil }
      total += count * scale
      largestAllowed = scale
      remaining = remaining.dropFirst(digits.count + unit.count)
    } while !remaining.isEmpty
    self = .milliseconds(total)
  }

  /// The format of the options: `1m30s`, `500ms`, `0s`. Truncated to milliseconds.
  package var description: String {
    var remaining = milliseconds
    if remaining < 0 { return "-" + TimeAmount(nanoseconds: -nanoseconds).description }
    if remaining == 0 { return "0s" }
    var text = ""
    for unit in TimeAmount.units.reversed() where remaining >= unit.milliseconds {
      text += "\(remaining / unit.milliseconds)\(unit.name)"
      remaining %= unit.milliseconds
    }
    return text
  }

  /// The format for a sentence: `description` if that is short, else tenths of a second, truncated.
  package var brief: String {
    milliseconds < 1000 || milliseconds % 1000 == 0 || milliseconds >= 60_000
      ? description : "\(milliseconds / 1000).\(milliseconds / 100 % 10)s"
  }

  /// The format for people, rounded: `3.8s`, `42s`, `1m21s`, `2h05m`, `3d4h`. Negative amounts are `0.0s`.
  package var approximate: String {
    let milliseconds = max(0, milliseconds)
    let tenths = (milliseconds + 50) / 100
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10)s" }
    let seconds = (milliseconds + 500) / 1000
    func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds < 60 { return "\(seconds)s" }
    if seconds < 3600 { return "\(seconds / 60)m\(twoDigits(seconds % 60))s" }
    if seconds < 86_400 { return "\(seconds / 3600)h\(twoDigits(seconds / 60 % 60))m" }
    return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
  }
}
