import Primitives

/// A supervisor's final report, parsed from its last line: logfmt or JSON, depending on `--log`. ebb wrote the line and
/// the keys are known, so the parser only searches for keys.
package struct FinalReport: Sendable {
  private let line: [UInt8]

  /// `nil` if the line is empty or not a report.
  package init?(_ line: [UInt8]) {
    self.line = line
    guard let event = text("event"), event.bytesEqual("exited") else { return nil }
  }

  func flag(_ key: String) -> Bool { value(key)?.elementsEqual("true".utf8) ?? false }

  /// Returns a time; `nil` if it is absent.
  func span(_ key: String) -> TimeAmount? {
    value(key).flatMap { parseDecimal($0, max: TimeAmount.longest.milliseconds) }.map { .milliseconds($0) }
  }

  /// Returns a text without quotes, with escapes unchanged; `nil` if it is absent.
  func text(_ key: String) -> String? {
    guard let value = value(key) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  /// Returns the bytes of a value; `nil` if it is absent or null.
  private func value(_ key: String) -> ArraySlice<UInt8>? {
    guard let start = end(of: "\"\(key)\":") ?? end(of: " \(key)=") else { return nil }
    let quote = UInt8(ascii: "\"")
    var remaining = line[start...]
    guard remaining.first == quote else {
      let value = remaining.prefix { $0 > 0x20 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") }
      return value.elementsEqual("null".utf8) ? nil : value
    }
    remaining = remaining.dropFirst()
    var at = remaining.startIndex
    while at < remaining.endIndex, remaining[at] != quote { at += remaining[at] == UInt8(ascii: "\\") ? 2 : 1 }
    return remaining[..<min(at, remaining.endIndex)]
  }

  /// Returns the index after the first occurrence of the text. In JSON it cannot occur in a value, because quotes are
  /// escaped there; in logfmt the message is the only value that may contain it, and comes last.
  private func end(of text: String) -> Int? {
    let wanted = Array(text.utf8)
    guard line.count >= wanted.count else { return nil }
    for start in 0...(line.count - wanted.count) where line[start] == wanted[0] {
      if line[start..<(start + wanted.count)].elementsEqual(wanted) { return start + wanted.count }
    }
    return nil
  }
}
