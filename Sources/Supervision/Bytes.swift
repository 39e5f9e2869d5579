// Numbers and texts as bytes, least significant byte first whatever the machine, and back without trust.

struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  /// Room for so many bytes is made at once.
  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// In place of a text's length, behind the last one.
  static let endOfTexts = 0xFFFF

  mutating func append(_ more: [UInt8]) { bytes += more }

  mutating func append(_ word: UInt64) {
    for index in 0..<UInt64(8) { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * index))) }
  }

  /// The low bytes of a number that is not negative.
  mutating func append(_ number: Int, width: Int) {
    for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
  }

  mutating func append(_ moment: Instant?) { append(moment.map { UInt64(bitPattern: $0.nanoseconds) } ?? .max) }

  /// Its length and its bytes, cut off at `limit`.
  mutating func append(text: String, upTo limit: Int) {
    let kept = text.utf8.prefix(min(limit, ByteWriter.endOfTexts - 1))
    append(kept.count, width: 2)
    bytes.append(contentsOf: kept)
  }

  mutating func pad(to size: Int) {
    bytes.append(contentsOf: repeatElement(0, count: max(0, size - bytes.count)))
  }
}

/// Each reading throws where the bytes end too early, or mean nothing.
struct ByteReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func take(_ count: Int) throws(StatusPageError) -> ArraySlice<UInt8> {
    guard rest.count >= count else { throw .halfWritten }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
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

  /// Nil for the moment that stands for none. Refuses what is so far away (146 years) that a difference of two could
  /// overflow.
  mutating func instant() throws(StatusPageError) -> Instant? {
    let word = try word()
    if word == .max { return nil }
    guard word < 1 << 62 else { throw .halfWritten }
    return Instant(nanoseconds: Int64(word))
  }

  /// Nil behind the last one.
  mutating func text() throws(StatusPageError) -> String? {
    let length = try number(width: 2)
    if length == ByteWriter.endOfTexts { return nil }
    return String(decoding: try take(length), as: UTF8.self)
  }
}
