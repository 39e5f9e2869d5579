/// The status page as bytes: 4096 of them in a memfd, little-endian, written and read without a lock.
///
///        0   8  magic
///        8   4  schema
///       16   8  request: 0, or what `ebb stop` asks for; the one field that others write
///       32 232  slot 0: the snapshot, if its sequence number is even
///      264 232  slot 1: the snapshot, if it is odd
///      496  24  signals received, signals forwarded and orphans reaped, where more than the newest snapshot says
///      520      the facts, which are written once
///
/// A signal that is forwarded changes nothing but two counts, an orphan one, and a whole slot takes as long to make as all
/// else that is done for it. So these are written alone: four bytes each and their complement, which one store writes.
/// They only grow.
///
/// Slots and facts each begin with a checksum of what follows, and are whole words. Two slots are written in turn, so one of them is whole
/// at any moment, also while the supervisor is frozen in the middle of a write; a half-written one fails its checksum.
/// A reader takes the newest whole one. Only where two updates overtake its copying does it find none, and reads again.
/// The supervisor never waits.
package enum StatusPage {
  /// In bytes.
  package static let size = 4096
  /// Of the layout above: another one has another number.
  package static let schema = 8
  /// Where the request stands.
  package static let requestOffset = 16
  /// Where the counts stand, eight bytes each: signals received, signals forwarded, orphans reaped.
  package static let countsOffset = 496
  /// What `ebb stop --now` writes at `requestOffset`.
  package static let stopNowRequest: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
  /// The memfd's name.
  package static let name = "ebb-status"

  static let magic = Array("ebb-stat".utf8)
  static let slotSize = 232
  static let infoOffset = 520

  /// Where the slot with this sequence number stands.
  static func slotOffset(sequence: UInt64) -> Int { 32 + Int(sequence % 2) * slotSize }

  /// The whole page, as it is written once. The snapshot has sequence number 0.
  package static func page(_ status: Status) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      let page = UnsafeMutableRawBufferPointer(bytes)
      page.initializeMemory(as: UInt8.self, repeating: 0)
      page.copyBytes(from: magic)
      page.storeBytes(of: UInt32(schema).littleEndian, toByteOffset: magic.count, as: UInt32.self)
      write(status.snapshot, sequence: 0, to: page)
      for index in 0..<3 { write(count: 0, index, to: page) }
      write(to: page, infoOffset..<size) { encode(status.info, into: &$0) }
      count = size
    }
  }

  /// Writes one slot of a page.
  package static func write(_ snapshot: StatusSnapshot, sequence: UInt64, to page: UnsafeMutableRawBufferPointer) {
    let start = slotOffset(sequence: sequence)
    write(to: page, start..<start + slotSize) { encode(snapshot, sequence: sequence, into: &$0) }
  }

  /// Writes one of the counts, by one store.
  package static func write(count: Int, _ index: Int, to page: UnsafeMutableRawBufferPointer) {
    let count = UInt32(clamping: count)
    let word = UInt64(count) | UInt64(~count) << 32
    page.storeBytes(of: word.littleEndian, toByteOffset: countsOffset + 8 * index, as: UInt64.self)
  }

  /// Reads a page, of which every byte may be wrong.
  package static func decode(_ bytes: [UInt8]) throws(StatusPageError) -> Status {
    guard !bytes.isEmpty else { throw .halfWritten }  // between its creation and its first write
    var head = ByteReader(bytes[...])
    guard try head.take(magic.count).elementsEqual(magic) else { throw .notAStatusPage }
    let found = try head.number(width: 4)
    guard found == schema else { throw .otherSchema(found) }
    guard bytes.count >= size else { throw .halfWritten }
    let slots = [UInt64(0), 1].compactMap { which in
      let start = slotOffset(sequence: which)
      return try? decodeSlot(bytes[start..<start + slotSize])
    }
    guard var newest = slots.max(by: { $0.sequence < $1.sequence }) else { throw .halfWritten }
    var counts = ByteReader(bytes[countsOffset..<infoOffset])
    newest.snapshot.received = max(newest.snapshot.received, try counts.count())
    newest.snapshot.forwarded = max(newest.snapshot.forwarded, try counts.count())
    newest.snapshot.reaped = max(newest.snapshot.reaped, try counts.count())
    return Status(info: try decodeInfo(bytes[infoOffset..<size]), snapshot: newest.snapshot)
  }
}

/// Why a page says nothing.
package enum StatusPageError: Error {
  /// Caught in the middle of an update: another look helps.
  case halfWritten
  case notAStatusPage
  case otherSchema(Int)
}

// MARK: - Checksums

extension StatusPage {
  static let checksumSize = 8

  /// One area of the page: what `encode` writes, zeros behind it and their checksum in front. Until that is written it is
  /// the one of what stood there before, and the area counts as torn.
  static func write(
    to page: UnsafeMutableRawBufferPointer, _ area: Range<Int>, encode: (inout AreaWriter) -> Void
  ) {
    let content = UnsafeMutableRawBufferPointer(rebasing: page[(area.lowerBound + checksumSize)..<area.upperBound])
    var bytes = AreaWriter(content)
    encode(&bytes)
    bytes.fill()
    let sum = checksum(UnsafeRawBufferPointer(content))
    page.storeBytes(of: sum.littleEndian, toByteOffset: area.lowerBound, as: UInt64.self)
  }

  /// What stands behind a checksum that is right.
  static func checked(_ area: ArraySlice<UInt8>) throws(StatusPageError) -> ByteReader {
    var bytes = ByteReader(area)
    guard try bytes.word() == bytes.remaining.withUnsafeBytes({ checksum($0) }) else { throw .halfWritten }
    return bytes
  }

  /// FNV-1a of words, each mixed once more since a product carries nothing to its lower bits: tells a torn area from a
  /// whole one. By bytes it takes eight times as long. No protection from forgery, which takes the supervisor's own user.
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325
    for offset in stride(from: 0, to: bytes.count & ~7, by: 8) {
      sum ^= UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      sum = sum &* 0x100_0000_01B3
      sum ^= sum >> 32
    }
    return sum
  }
}
