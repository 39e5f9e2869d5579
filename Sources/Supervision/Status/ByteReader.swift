import Primitives

/// A decoder. Each method throws `StatusPageError.halfWritten` if the bytes end too early or are invalid.
struct ByteReader {
  private(set) var remaining: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { remaining = bytes }

  mutating func take(_ count: Int) throws(StatusPageError) -> ArraySlice<UInt8> {
    guard remaining.count >= count else { throw .halfWritten }
    defer { remaining = remaining.dropFirst(count) }
    return remaining.prefix(count)
  }

  mutating func word() throws(StatusPageError) -> UInt64 {
    var word: UInt64 = 0
    for byte in try take(8).reversed() { word = word << 8 | UInt64(byte) }
    return word
  }

  mutating func number(width: Int) throws(StatusPageError) -> Int {
    var word: UInt64 = 0
    for byte in try take(width).reversed() { word = word << 8 | UInt64(byte) }
    guard let number = Int(exactly: word) else { throw .halfWritten }
    return number
  }

  /// Returns `nil` if no moment was encoded. Throws `.halfWritten` after 146 years: a difference could overflow.
  mutating func instant() throws(StatusPageError) -> Instant? {
    let word = try word()
    if word == .max { return nil }
    guard word < 1 << 62 else { throw .halfWritten }
    return Instant(nanoseconds: Int64(word))
  }

  /// Returns the next text; `nil` after the last one. Throws `.halfWritten`.
  mutating func text() throws(StatusPageError) -> String? {
    let length = try number(width: 2)
    if length == AreaWriter.endOfTexts { return nil }
    return String(decoding: try take(length), as: UTF8.self)
  }
}
