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

}

private func asciiUppercased(_ byte: UInt8) -> UInt8 {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte ? byte - 32 : byte
}
