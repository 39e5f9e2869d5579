// Converts between a String and the kernel's paths and arguments, which may contain any byte but 0. A String can only
// contain UTF-8, and repairing invalid bytes would name another file. Each byte that is not part of valid UTF-8
// therefore becomes a stand-in: one character in U+EF80 to U+EFFF, of the private use area. The bytes of these
// characters themselves are replaced too, so different inputs always give different texts. (Python: PEP 383.)

extension String {
  /// Decodes the bytes of an argument, a variable or a path.
  package init(systemBytes bytes: some Collection<UInt8>) {
    guard bytes.contains(where: { $0 >= 0x80 }) else {
      self.init(decoding: bytes, as: UTF8.self)
      return
    }
    let bytes = Array(bytes)
    var text: [UInt8] = []
    var at = 0
    while at < bytes.count {
      let length = lengthOfCharacter(bytes[at...])
      if length > 0, !isStandIn(bytes[at...]) {
        text += bytes[at..<at + length]
        at += length
      } else {
        text += [0xEE, bytes[at] < 0xC0 ? 0xBE : 0xBF, 0x80 | bytes[at] & 0x3F]
        at += 1
      }
    }
    self.init(decoding: text, as: UTF8.self)
  }

  /// The original bytes of the text.
  package var systemBytes: [UInt8] { withoutStandIns { [$0] } }

  /// The text for people: each byte that is not text appears as one replacement character.
  var legible: String { String(decoding: withoutStandIns { _ in Array("\u{FFFD}".utf8) }, as: UTF8.self) }

  private func withoutStandIns(_ replacement: (UInt8) -> [UInt8]) -> [UInt8] {
    let text = Array(utf8)
    guard text.contains(0xEE) else { return text }
    var bytes: [UInt8] = []
    var at = 0
    while at < text.count {
      if isStandIn(text[at...]) {
        bytes += replacement((text[at + 1] == 0xBE ? 0x80 : 0xC0) | text[at + 2] & 0x3F)
        at += 3
      } else {
        bytes.append(text[at])
        at += 1
      }
    }
    return bytes
  }
}

/// Whether the bytes start with a character in U+EF80 to U+EFFF.
private func isStandIn(_ bytes: ArraySlice<UInt8>) -> Bool {
  bytes.count >= 3 && bytes[bytes.startIndex] == 0xEE && bytes[bytes.startIndex + 1] >= 0xBE
    && bytes[bytes.startIndex + 1] <= 0xBF && bytes[bytes.startIndex + 2] & 0xC0 == 0x80
}

/// Returns the length of the first character in bytes; 0 if it is not valid UTF-8. The Unicode Standard, table 3-7.
private func lengthOfCharacter(_ bytes: ArraySlice<UInt8>) -> Int {
  guard let first = bytes.first else { return 0 }
  let second: ClosedRange<UInt8>
  let length: Int
  switch first {
  case 0..<0x80: return 1
  case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
  case 0xE0: (length, second) = (3, 0xA0...0xBF)
  case 0xED: (length, second) = (3, 0x80...0x9F)
  case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
  case 0xF0: (length, second) = (4, 0x90...0xBF)
  case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
  case 0xF4: (length, second) = (4, 0x80...0x8F)
  default: return 0
  }
  guard bytes.count >= length, second.contains(bytes[bytes.startIndex + 1]) else { return 0 }
  return bytes.dropFirst(2).prefix(length - 2).allSatisfy { $0 & 0xC0 == 0x80 } ? length : 0
}
