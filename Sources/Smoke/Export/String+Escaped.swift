import Primitives

extension String {
  /// For XML, where it may be content or an attribute's value: what XML 1.0 does not allow at all (section 2.2) becomes a
  /// question mark, control characters and the two scalars that are none (U+FFFE, U+FFFF: EF BF BE, EF BF BF). For TAP,
  /// where a number sign would begin a directive.
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
