// Encoding of numbers and texts as little-endian bytes, and decoding that checks every byte.

import Primitives

/// Memory that is filled from its start. Writing to an array instead checks capacity and uniqueness at each byte: a
/// status page took ten times as long, which was half of all instructions of a short run.
struct AreaWriter {
  private let area: UnsafeMutableRawBufferPointer
  private var count = 0

  init(_ area: UnsafeMutableRawBufferPointer) { self.area = area }

  /// Stands in place of a text's length after the last text.
  static let endOfTexts = 0xFFFF

  /// The number of free bytes.
  var room: Int { area.count - count }

  mutating func append(_ word: UInt64) {
    area.storeBytes(of: word.littleEndian, toByteOffset: advance(by: 8), as: UInt64.self)
  }

  /// Appends the low `width` bytes of a non-negative number.
  mutating func append(_ number: Int, width: Int) {
    let start = advance(by: width)
    for index in 0..<width { area[start + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
  }

  mutating func append(_ moment: Instant?) { append(moment.map { UInt64(bitPattern: $0.nanoseconds) } ?? .max) }

  /// Appends the text's length and its bytes, truncated to `limit`.
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

  mutating func fill() {
    let start = advance(by: room)
    UnsafeMutableRawBufferPointer(rebasing: area[start...]).initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Reserves bytes and returns their offset.
  private mutating func advance(by bytes: Int) -> Int {
    precondition(bytes <= room)
    defer { count += bytes }
    return count
  }
}
