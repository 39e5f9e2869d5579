/// The encoding of the status page: 4096 bytes in a memfd, little-endian, written and read without a lock.
///
///        0   8  magic
///        8   4  schema
///       16   8  request: 0, or a request of `ebb stop`; the only field that other processes write
///       32 232  slot 0: the snapshot if its sequence number is even
///      264 232  slot 1: the snapshot if its sequence number is odd
///      496  24  signals received, signals forwarded, orphans reaped; used where larger than in the newest snapshot
///      520      the supervisor's info, written once
///
/// Forwarding a signal only changes two counters, and reaping an orphan one, but encoding a whole slot would double the
/// cost. The counters therefore have their own words: 32 bits of value and 32 of complement in one store, and only
/// increase.
///
/// Each slot and the info begin with a checksum of the rest and consist of whole 64-bit words. The two slots are
/// written in turn, so one of them is complete at any moment, even if the supervisor is frozen during a write; an
/// incomplete one fails its checksum. A reader uses the newest complete slot. If two updates overtake its copying,
/// neither is complete and it reads again. The supervisor never waits.
package enum StatusPage {
  package static let size = 4096
  /// The version of the layout above; any change needs a new number.
  package static let schema = 8
  package static let requestOffset = 16
  /// The offset of the three counters, 8 bytes each: signals received, signals forwarded, orphans reaped.
  package static let countsOffset = 496
  /// The bytes that `ebb stop --now` writes at `requestOffset`.
  package static let stopNowRequest: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
  package static let name = "ebb-status"

  static let magic = Array("ebb-stat".utf8)
  static let slotSize = 232
  static let infoOffset = 520

  /// Returns the offset of the slot for this sequence number.
  static func slotOffset(sequence: UInt64) -> Int { 32 + Int(sequence % 2) * slotSize }

  /// Encodes the whole page, once. The snapshot has sequence number 0.
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

  package static func write(_ snapshot: StatusSnapshot, sequence: UInt64, to page: UnsafeMutableRawBufferPointer) {
    let start = slotOffset(sequence: sequence)
    write(to: page, start..<start + slotSize) { encode(snapshot, sequence: sequence, into: &$0) }
  }

  /// Writes one of the counters with a single store.
  package static func write(count: Int, _ index: Int, to page: UnsafeMutableRawBufferPointer) {
    let count = UInt32(clamping: count)
    let word = UInt64(count) | UInt64(~count) << 32
    page.storeBytes(of: word.littleEndian, toByteOffset: countsOffset + 8 * index, as: UInt64.self)
  }

  /// Decodes a page. Any byte may be wrong, so it throws `StatusPageError`.
  package static func decode(_ bytes: [UInt8]) throws(StatusPageError) -> Status {
    guard !bytes.isEmpty else { throw .halfWritten }  // read between the creation of the page and its first write
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

/// The reason why a page cannot be decoded.
package enum StatusPageError: Error {
  /// The page was read during an update; reading again helps.
  case halfWritten
  case notAStatusPage
  case otherSchema(Int)
}

// MARK: - Checksums

extension StatusPage {
  static let checksumSize = 8

  /// Writes one area of the page: a checksum, the bytes that `encode` writes, and zeros. Until the new checksum is
  /// written, the old one does not match, so the area counts as incomplete.
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

  /// Returns a reader for the bytes after a valid checksum. Throws `StatusPageError.halfWritten` for an invalid one.
  static func checked(_ area: ArraySlice<UInt8>) throws(StatusPageError) -> ByteReader {
    var bytes = ByteReader(area)
    guard try bytes.word() == bytes.remaining.withUnsafeBytes({ checksum($0) }) else { throw .halfWritten }
    return bytes
  }

  /// FNV-1a over 64-bit words, which detects an incomplete area. Each word is mixed once more, because a multiplication
  /// does not affect lower bits. Processing single bytes takes eight times as long. It does not protect from forgery,
  /// but only the supervisor's own user can write the page.
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
