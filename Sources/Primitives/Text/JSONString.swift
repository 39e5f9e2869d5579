extension [UInt8] {
  package mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// Appends the text as a JSON string, RFC 8259 section 7: quotes, backslashes and control characters are escaped. DEL
  /// is escaped too because terminals act on it.
  package mutating func appendQuoted(_ text: String) {
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

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

extension String {
  /// The text in double quotes with JSON's escapes, cut after 200 bytes: how messages show a user's input.
  package var quoted: String {
    let longest = 200
    let text = legible
    var bytes: [UInt8] = []
    bytes.appendQuoted(
      text.utf8.count <= longest ? text : String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…")
    return String(decoding: bytes, as: UTF8.self)
  }
}
