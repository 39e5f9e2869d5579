import Primitives

extension String {
  /// Escapes the text for XML, as content or attribute value, or for TAP, in which a number sign would begin a
  /// directive. Characters that XML 1.0 does not allow (section 2.2) become a question mark: control characters, U+FFFE
  /// (EF BF BE) and U+FFFF (EF BF BF).
  func escaped(forXML: Bool) -> String {
    var bytes: [UInt8] = []
    for byte in utf8 {
      switch (byte, forXML) {
      case (UInt8(ascii: "#"), false), (UInt8(ascii: "\\"), false): bytes += [UInt8(ascii: "\\"), byte]
      case (UInt8(ascii: "&"), true): bytes.append("&amp;")
      case (UInt8(ascii: "<"), true): bytes.append("&lt;")
      case (UInt8(ascii: ">"), true): bytes.append("&gt;")
      case (UInt8(ascii: "\""), true): bytes.append("&quot;")
      case (0..<0x0A, true), (0x0B..<0x20, true), (0x7F, true): bytes.append(UInt8(ascii: "?"))
      case (0xBE...0xBF, true) where bytes.suffix(2).elementsEqual([0xEF, 0xBF]):
        bytes.removeLast(2)
        bytes.append(UInt8(ascii: "?"))
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
