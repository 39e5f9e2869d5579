// Text without Unicode tables. `==` on String normalizes, which links 50 to 100 kB of tables into a program that only
// ever compares names of options and signals; bytes will do.

extension String {
  /// Whether both hold the same bytes.
  func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether the bytes of `prefix` stand at the start.
  func starts(withText prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// The parts between the bytes `separator`; one part where there is none.
  func parts(separatedBy separator: UInt8) -> [String] {
    utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  /// ASCII letters in capitals, dashes as underscores.
  var asVariableName: String {
    String(decoding: utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : asciiUppercased($0) }, as: UTF8.self)
  }

  /// ASCII letters in capitals.
  var inCapitals: String { String(decoding: utf8.map(asciiUppercased), as: UTF8.self) }

  /// In double quotes, on one line and not longer than a line should be: what a message shows of a word that somebody
  /// gave. Same escapes as JSON.
  package var quoted: String {
    let longest = 200
    let text = legible
    var bytes: [UInt8] = []
    bytes.appendQuoted(
      text.utf8.count <= longest ? text : String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…")
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text, then spaces up to `width` bytes.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - utf8.count))
  }
}

private func asciiUppercased(_ byte: UInt8) -> UInt8 {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte ? byte - 32 : byte
}

/// The number that the decimal digits say, or nil: empty, another character, a sign, or larger than `largest`.
func wholeNumber(_ digits: some Collection<UInt8>, upTo largest: Int) -> Int? {
  guard !digits.isEmpty else { return nil }
  var number = 0
  for digit in digits {
    guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
    let (tens, tooLarge) = number.multipliedReportingOverflow(by: 10)
    let (sum, stillTooLarge) = tens.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
    guard !tooLarge, !stillTooLarge, sum <= largest else { return nil }
    number = sum
  }
  return number
}

extension [UInt8] {
  mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// The text as a JSON string, RFC 8259 section 7: quotes, backslashes and control characters escaped, DEL too since
  /// terminals act on it.
  mutating func appendQuoted(_ text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case UInt8(ascii: "\n"): append("\\n")
      case UInt8(ascii: "\t"): append("\\t")
      case 0..<0x20, 0x7F:
        append("\\u00")
        append(hexDigit(byte >> 4))
        append(hexDigit(byte & 15))
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }
}

/// What a hexadecimal digit stands for.
func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// The number that up to sixteen hexadecimal digits say, or nil.
func hexNumber(_ digits: ArraySlice<UInt8>) -> UInt64? {
  guard 1...16 ~= digits.count else { return nil }
  var number: UInt64 = 0
  for digit in digits {
    guard let value = hexValue(digit) else { return nil }
    number = number << 4 | UInt64(value)
  }
  return number
}

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
