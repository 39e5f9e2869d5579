// Text operations without Unicode tables. `==` on String normalizes, which links 50 to 100 kB of tables. ebb only
// compares names of options and signals, so comparing bytes is enough.

extension String {
  package func bytesEqual(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  package func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Splits at each `separator`; one part if there is no separator.
  package func split(onByte separator: UInt8) -> [String] {
    utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The text with ASCII letters in upper case and dashes as underscores.
  package var asVariableName: String {
    String(decoding: utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : asciiUppercasedByte($0) }, as: UTF8.self)
  }

  var asciiUppercased: String { String(decoding: utf8.map(asciiUppercasedByte), as: UTF8.self) }

}

private func asciiUppercasedByte(_ byte: UInt8) -> UInt8 {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte ? byte - 32 : byte
}
