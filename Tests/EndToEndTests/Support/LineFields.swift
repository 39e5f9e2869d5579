import Foundation
import TestSupport

extension String {
  /// The columns of a line of a table, which two or more blanks separate.
  var columns: [String] {
    components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  /// Returns the value of `name=value` in a line of such fields.
  ///
  /// - Throws: A `Failure` if there is no such field.
  func field(_ name: String) throws -> String {
    for word in split(separator: " ") where word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
    throw Failure("no \(name)= in: \(self)")
  }

  /// Returns the whole number of `name=number` in a line of such fields.
  ///
  /// - Throws: A `Failure` if there is no such field.
  func number(_ name: String) throws -> Int32 {
    guard let number = Int32(try field(name)) else { throw Failure("no number \(name)= in: \(self)") }
    return number
  }

  /// Returns the time after `words` in the format of ebb's messages: `3.8s`, `42s` or `1m21s`.
  ///
  /// - Throws: A `Failure` if there is no time.
  func span(after words: String) throws -> Duration {
    let parts = components(separatedBy: words).dropFirst()
    guard let match = parts.first?.prefixMatch(of: /(?:([0-9]+)m)?([0-9]+)(?:\.([0-9]))?s/),
      let minutes = Int(match.1 ?? "0"), let seconds = Int(match.2), let tenths = Int(match.3 ?? "0")
    else { throw Failure("no time behind \"\(words)\" in: \(self)") }
    return .seconds(minutes * 60 + seconds) + .milliseconds(tenths * 100)
  }
}
