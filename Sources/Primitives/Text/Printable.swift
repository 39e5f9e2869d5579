extension String {
  /// The text made safe for a terminal. Names of processes and arguments may contain any character, so control
  /// characters and those that change the direction of text appear as `\u{1b}`.
  package var printable: String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isHarmless {
        text.unicodeScalars.append(scalar)
      } else {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  fileprivate var isHarmless: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0: false  // C0, DEL, C1
    case 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: false  // direction, no width
    default: true
    }
  }
}

extension [String] {
  /// A command line for people to read; it is not quoted for a shell.
  package var displayText: String {
    map { word in
      let isPlain = !word.utf8.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
      return isPlain ? word.printable : "\"\(word.printable)\""
    }.joinedBySpaces
  }
}
