// Numbers and texts as bytes, least significant byte first whatever the machine, and back without trust.

import Primitives

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
