/// A length of time, as plain as `Instant`: 64 bits of nanoseconds reach 292 years.
package struct Span: Comparable, Sendable {
  /// Whole nanoseconds; may be negative, as the difference of two moments.
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  package static func milliseconds(_ count: Int) -> Span { Span(nanoseconds: Int64(count) * 1_000_000) }
  package static func seconds(_ count: Int) -> Span { Span(nanoseconds: Int64(count) * 1_000_000_000) }
  package static let zero = Span(nanoseconds: 0)

  /// Whole milliseconds, the part below cut off.
  package var milliseconds: Int { Int(nanoseconds / 1_000_000) }

  package static func < (left: Span, right: Span) -> Bool { left.nanoseconds < right.nanoseconds }
  package static func + (left: Span, right: Span) -> Span { Span(nanoseconds: left.nanoseconds + right.nanoseconds) }
  /// What is left; negative where nothing is.
  package static func - (left: Span, right: Span) -> Span { Span(nanoseconds: left.nanoseconds - right.nanoseconds) }
  package static func / (left: Span, right: Int64) -> Span { Span(nanoseconds: left.nanoseconds / right) }
}

extension Span {
  /// The longest span that an option takes. Sums of a few of them and of a moment stay far inside 64 bits.
  package static let longest = Span.seconds(366 * 24 * 60 * 60)

  private static let units: [(name: String, milliseconds: Int)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
  ]

  /// `10s`, `500ms`, `1m30s`; a bare number is seconds. Nil for anything else, and beyond `longest`.
  package init?(text: String) {
    let limit = Span.longest.milliseconds
    var rest = Array(text.utf8)[...]
    if let seconds = wholeNumber(rest, upTo: limit / 1000) {
      self = .seconds(seconds)
      return
    }
    var total = 0
    var largestAllowed = Int.max  // units come in falling order, each once: `30s1m` is a slip of the pen
    repeat {
      let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
      let unit = rest.dropFirst(digits.count).prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }
      guard let count = wholeNumber(digits, upTo: limit),
        let scale = Span.units.first(where: { $0.name.utf8.elementsEqual(unit) })?.milliseconds,
        scale < largestAllowed, count <= (limit - total) / scale
      else { return nil }
      total += count * scale
      largestAllowed = scale
      rest = rest.dropFirst(digits.count + unit.count)
    } while !rest.isEmpty
    self = .milliseconds(total)
  }

  /// As the options take it: `1m30s`, `500ms`, `0s`. The part below a millisecond is cut off.
  package var text: String {
    var rest = milliseconds
    if rest < 0 { return "-" + Span(nanoseconds: -nanoseconds).text }
    if rest == 0 { return "0s" }
    var text = ""
    for unit in Span.units.reversed() where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text
  }

  /// For a sentence: as `text` where that is short, else in tenths of a second, cut off.
  var brief: String {
    milliseconds < 1000 || milliseconds % 1000 == 0 || milliseconds >= 60_000
      ? text : "\(milliseconds / 1000).\(milliseconds / 100 % 10)s"
  }

  /// As much as a person needs, rounded: `3.8s`, `42s`, `1m21s`, `2h05m`, `3d4h`; a time that is over is `0.0s`.
  package var rough: String {
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
