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

  private static let magic = Array("ebb-stat".utf8)
  static let slotSize = 232
  static let factsOffset = 520

  /// Where the slot with this sequence number stands.
  static func slotOffset(sequence: UInt64) -> Int { 32 + Int(sequence % 2) * slotSize }

  /// The whole page, as it is written once. The snapshot has sequence number 0.
  package static func page(_ status: Status) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      let page = UnsafeMutableRawBufferPointer(bytes)
      page.initializeMemory(as: UInt8.self, repeating: 0)
      page.copyBytes(from: magic)
      page.storeBytes(of: UInt32(schema).littleEndian, toByteOffset: magic.count, as: UInt32.self)
      write(status.now, sequence: 0, to: page)
      for index in 0..<3 { write(count: 0, index, to: page) }
      write(to: page, factsOffset..<size) { encode(status.facts, into: &$0) }
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
    var counts = ByteReader(bytes[countsOffset..<factsOffset])
    newest.snapshot.received = max(newest.snapshot.received, try counts.count())
    newest.snapshot.forwarded = max(newest.snapshot.forwarded, try counts.count())
    newest.snapshot.reaped = max(newest.snapshot.reaped, try counts.count())
    return Status(facts: try decodeFacts(bytes[factsOffset..<size]), now: newest.snapshot)
  }
}

/// Why a page says nothing.
package enum StatusPageError: Error {
  /// Caught in the middle of an update: another look helps.
  case halfWritten
  case notAStatusPage
  case otherSchema(Int)
}

// MARK: - The snapshot

extension StatusPage {
  private static func encode(_ snapshot: StatusSnapshot, sequence: UInt64, into bytes: inout AreaWriter) {
    bytes.append(sequence)
    bytes.append(snapshot.phase.rawValue, width: 1)
    bytes.append((snapshot.isReady ? 1 : 0) | (snapshot.isOutOfReach ? 2 : 0), width: 1)
    switch snapshot.command {
    case .notStarted:
      bytes.append(0, width: 1)
      bytes.append(0, width: 4)
    case .running(let pid):
      bytes.append(1, width: 1)
      bytes.append(Int(pid), width: 4)
    case .exited(let code):
      bytes.append(2, width: 1)
      bytes.append(code, width: 4)
    }
    bytes.append(Int(snapshot.stop?.signal.number ?? 0), width: 1)
    bytes.append(Int(snapshot.stop?.sends?.number ?? 0), width: 1)
    bytes.append(snapshot.since)
    bytes.append(snapshot.stop?.since)
    bytes.append(snapshot.stop?.delayEndsAt)
    bytes.append(snapshot.stop?.forwardAt)
    bytes.append(snapshot.stop?.forwardedAt)
    bytes.append(snapshot.killAt)
    bytes.append(snapshot.readyUntil)
    for count in [snapshot.received, snapshot.forwarded, snapshot.reaped] { bytes.append(count, width: 8) }
    encode(snapshot.connections, into: &bytes)
    encode(snapshot.stop?.traffic ?? TrafficReport(), into: &bytes)
  }

  private static func decodeSlot(
    _ slot: ArraySlice<UInt8>
  ) throws(StatusPageError) -> (sequence: UInt64, snapshot: StatusSnapshot) {
    var bytes = try checked(slot)
    let sequence = try bytes.word()
    guard let phase = Phase(rawValue: try bytes.number(width: 1)) else { throw .halfWritten }
    let flags = try bytes.number(width: 1)
    let commandState = try bytes.number(width: 1)
    let commandValue = try bytes.number(width: 4)
    let signal = Signal(number: try bytes.number(width: 1))
    let sends = Signal(number: try bytes.number(width: 1))
    guard let since = try bytes.instant() else { throw .halfWritten }
    var snapshot = StatusSnapshot(since: since)
    (snapshot.phase, snapshot.isReady, snapshot.isOutOfReach) = (phase, flags & 1 != 0, flags & 2 != 0)
    switch commandState {
    case 1: snapshot.command = .running(pid: Int32(truncatingIfNeeded: commandValue))
    case 2: snapshot.command = .exited(code: commandValue)
    default: break
    }
    let stop = (try bytes.instant(), try bytes.instant(), try bytes.instant(), try bytes.instant())
    if let signal, let since = stop.0, let delayEndsAt = stop.1, let forwardAt = stop.2 {
      snapshot.stop = StatusSnapshot.Stop(
        signal: signal, since: since, delayEndsAt: delayEndsAt, forwardAt: forwardAt, forwardedAt: stop.3)
      snapshot.stop?.sends = sends
    }
    snapshot.killAt = try bytes.instant()
    snapshot.readyUntil = try bytes.instant()
    snapshot.received = try bytes.number(width: 8)
    snapshot.forwarded = try bytes.number(width: 8)
    snapshot.reaped = try bytes.number(width: 8)
    snapshot.connections = try decodeConnections(&bytes)
    snapshot.stop?.traffic = try decodeTraffic(&bytes)
    return (sequence, snapshot)
  }
}

// MARK: - The facts

extension StatusPage {
  private static let mostNamedPorts = 256

  private static func encode(_ facts: SupervisorFacts, into bytes: inout AreaWriter) {
    bytes.append(Int(facts.pid), width: 4)
    bytes.append(facts.startedAt)
    bytes.append(facts.stopSignals.mask)
    bytes.append(Int(facts.forwardsAs?.number ?? 0), width: 1)
    bytes.append((facts.signalsGroup ? 1 : 0) | (facts.recognisesServers ? 2 : 0), width: 1)
    bytes.append(UInt64(bitPattern: facts.drainQuiet.nanoseconds))
    bytes.append(Int(facts.healthPort ?? 0), width: 2)
    // More than there is room for are found.
    let ports = facts.ports.flatMap { $0.count <= mostNamedPorts ? $0 : nil } ?? []
    bytes.append(ports.count, width: 2)
    for port in ports { bytes.append(Int(port), width: 2) }
    facts.plan.encode(into: &bytes)
    bytes.append(text: facts.version, upTo: 64)
    for word in facts.argv {
      let left = bytes.room - 4  // without a length and the end mark
      guard left > 0 else { break }
      bytes.append(text: word, upTo: left)
    }
    bytes.append(AreaWriter.endOfTexts, width: 2)
  }

  private static func decodeFacts(_ area: ArraySlice<UInt8>) throws(StatusPageError) -> SupervisorFacts {
    var bytes = try checked(area)
    let pid = Int32(truncatingIfNeeded: try bytes.number(width: 4))
    guard let startedAt = try bytes.instant() else { throw .halfWritten }
    let stopSignals = SignalSet(mask: try bytes.word())
    let forwardsAs = Signal(number: try bytes.number(width: 1))
    let flags = try bytes.number(width: 1)
    let drainQuiet = Span(nanoseconds: Int64(bitPattern: try bytes.word()))
    let healthPort = UInt16(truncatingIfNeeded: try bytes.number(width: 2))
    var ports: [UInt16] = []
    for _ in 0..<(try bytes.number(width: 2)) { ports.append(UInt16(truncatingIfNeeded: try bytes.number(width: 2))) }
    let plan = try StopPlan(&bytes)
    guard let version = try bytes.text() else { throw .halfWritten }
    var argv: [String] = []
    while let word = try bytes.text() { argv.append(word) }
    var facts = SupervisorFacts(
      pid: pid, version: version, startedAt: startedAt, argv: argv, stopSignals: stopSignals,
      recognisesServers: flags & 2 != 0, forwardsAs: forwardsAs, signalsGroup: flags & 1 != 0,
      ports: ports.isEmpty ? nil : ports, healthPort: healthPort == 0 ? nil : healthPort,
      drainQuiet: drainQuiet)
    facts.plan = plan
    return facts
  }
}

extension ByteReader {
  /// A count and its complement.
  fileprivate mutating func count() throws(StatusPageError) -> Int {
    let count = UInt32(truncatingIfNeeded: try number(width: 4))
    guard UInt32(truncatingIfNeeded: try number(width: 4)) == ~count else { throw .halfWritten }
    return Int(count)
  }
}

// MARK: - Checksums

extension StatusPage {
  private static let checksumSize = 8

  /// One area of the page: what `encode` writes, zeros behind it and their checksum in front. Until that is written it is
  /// the one of what stood there before, and the area counts as torn.
  private static func write(
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
  private static func checked(_ area: ArraySlice<UInt8>) throws(StatusPageError) -> ByteReader {
    var bytes = ByteReader(area)
    guard try bytes.word() == bytes.rest.withUnsafeBytes({ checksum($0) }) else { throw .halfWritten }
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
