import Primitives

/// A supervisor's final report, read back from the line that it leaves: logfmt or JSON, whichever `--log` asked for. Its
/// keys are known and its line was written by ebb, so a key is looked for and nothing is parsed around it.
package struct FinalReport: Sendable {
  private let line: [UInt8]

  /// Nil where there is none: the supervisor has left nothing, or something else than a report.
  package init?(_ line: [UInt8]) {
    self.line = line
    guard let event = text("event"), event.bytesEqual("exited") else { return nil }
  }

  /// The value of a key is true.
  func flag(_ key: String) -> Bool { value(key)?.elementsEqual("true".utf8) ?? false }

  /// A time; nil where it is absent.
  func span(_ key: String) -> TimeAmount? {
    value(key).flatMap { parseDecimal($0, max: TimeAmount.longest.milliseconds) }.map { .milliseconds($0) }
  }

  /// Without quotes, escapes as they stand; nil where it is absent.
  func text(_ key: String) -> String? {
    guard let value = value(key) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  /// The bytes of a value; nil for an absent one and for null.
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

  /// Where the first such text ends. In JSON none can be inside of a value, where its quotes would be escaped; in logfmt
  /// the one value that could hold it, the sentence, comes last.
  private func end(of text: String) -> Int? {
    let wanted = Array(text.utf8)
    guard line.count >= wanted.count else { return nil }
    for start in 0...(line.count - wanted.count) where line[start] == wanted[0] {
      if line[start..<(start + wanted.count)].elementsEqual(wanted) { return start + wanted.count }
    }
    return nil
  }
}
