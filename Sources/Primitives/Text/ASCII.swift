// Text without Unicode tables. `==` on String normalizes, which links 50 to 100 kB of tables into a program that only
// ever compares names of options and signals; bytes will do.

extension String {
  /// Whether both hold the same bytes.
  package func bytesEqual(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether the bytes of `prefix` stand at the start.
  package func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// The parts between the bytes `separator`; one part where there is none.
  package func split(onByte separator: UInt8) -> [String] {
    utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  /// ASCII letters in capitals, dashes as underscores.
  package var asVariableName: String {
    String(decoding: utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : asciiUppercasedByte($0) }, as: UTF8.self)
  }

  /// ASCII letters in capitals.
  var asciiUppercased: String { String(decoding: utf8.map(asciiUppercasedByte), as: UTF8.self) }

}

private func asciiUppercasedByte(_ byte: UInt8) -> UInt8 {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte ? byte - 32 : byte
}
