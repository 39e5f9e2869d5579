// Numbers and texts as bytes, least significant byte first whatever the machine, and back without trust.

/// A message that grows.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ more: [UInt8]) { bytes += more }

  /// The low bytes of a number that is not negative.
  mutating func append(_ number: Int, width: Int) {
    for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
  }
}

/// Memory that is filled from its start. Into an array, which is asked at each byte whether it has room and is nobody
/// else's, a status page takes ten times as long, and was half of all that a short run executes.
struct AreaWriter {
  private let area: UnsafeMutableRawBufferPointer
  private var count = 0

  init(_ area: UnsafeMutableRawBufferPointer) { self.area = area }

  /// In place of a text's length, behind the last one.
  static let endOfTexts = 0xFFFF

  /// How many bytes more there is room for.
  var room: Int { area.count - count }

  mutating func append(_ word: UInt64) {
    area.storeBytes(of: word.littleEndian, toByteOffset: advance(by: 8), as: UInt64.self)
  }

  /// The low bytes of a number that is not negative.
  mutating func append(_ number: Int, width: Int) {
    let start = advance(by: width)
    for index in 0..<width { area[start + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
  }

  mutating func append(_ moment: Instant?) { append(moment.map { UInt64(bitPattern: $0.nanoseconds) } ?? .max) }

  /// Its length and its bytes, cut off at `limit`.
  mutating func append(text: String, upTo limit: Int) {
    var text = text
    text.withUTF8 { bytes in
      let kept = UnsafeRawBufferPointer(
        rebasing: UnsafeRawBufferPointer(bytes).prefix(min(limit, AreaWriter.endOfTexts - 1)))
      append(kept.count, width: 2)
      let start = advance(by: kept.count)
      UnsafeMutableRawBufferPointer(rebasing: area[start...]).copyMemory(from: kept)
    }
  }

  /// Zeros to the end.
  mutating func fill() {
    let start = advance(by: room)
    UnsafeMutableRawBufferPointer(rebasing: area[start...]).initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Returns where the bytes go.
  private mutating func advance(by bytes: Int) -> Int {
    precondition(bytes <= room)
    defer { count += bytes }
    return count
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
    if length == AreaWriter.endOfTexts { return nil }
    return String(decoding: try take(length), as: UTF8.self)
  }
}
