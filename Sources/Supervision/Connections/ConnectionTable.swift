import LinuxFormats
import Primitives

/// The records of all connections on the command's ports, by cookie, from the stop signal on. The table is bounded; a
/// connection without room in it is classified by its ages alone.
package struct ConnectionTable: Sendable {
  private var records: [ConnectionRecord] = []
  /// A hash table with open addressing, at most half full. An entry is 0, or the place of a record counted from 1.
  private var index: [UInt16] = []
  private var ports: [PortTraits] = []
  private let given: [Port]
  private let mostRecords: Int
  private var begunAt: Instant?
  private var pass: UInt8 = 0
  private var isFirstPass = true
  /// The expected place of the next connection: the kernel reports connections in the same order in each pass.
  private var expected = 0

  private static let mostPorts = 64

  /// Makes an empty table. `given` has the protocols of ports from `--ports`.
  package init(given: [Port] = [], mostRecords: Int = 16_384) {
    (self.given, self.mostRecords) = (given, mostRecords)
  }

  /// Bytes of a record.
  package static var recordSize: Int { MemoryLayout<ConnectionRecord>.stride }

  /// Begins a pass. Removes the connections that the last two passes did not include.
  package mutating func beginPass(at now: Instant) {
    isFirstPass = begunAt == nil
    begunAt = begunAt ?? now
    let count = records.count
    let pass = pass
    records.removeAll { pass &- $0.pass > 1 }
    if records.count < count { makeIndex(of: index.count) }
    self.pass = pass &+ 1
    expected = 0
  }

  /// Adds a sample of a connection. Returns the result of all samples of it, or `nil` if the ages alone decide.
  package mutating func look(_ connection: Connection, at now: Instant) -> Judgment? {
    guard let begunAt, connection.cookie != 0, let look = ConnectionRecord.Look(connection, at: now, since: begunAt),
      let port = place(ofPort: connection.localPort)
    else { return nil }
    if let place = place(of: connection.cookie) {
      expected = place + 1
      records[place].pass = pass
      records[place].look(look, &ports[port])
      return Judgment(records[place], at: look.now)
    }
    guard records.count < mostRecords else { return nil }
    let record = ConnectionRecord(
      cookie: connection.cookie, look, isNew: !isFirstPass, pass: pass, &ports[port])
    records.append(record)
    if records.count * 2 > index.count {
      makeIndex(of: max(64, index.count * 2))
    } else {
      enter(records.count - 1)
    }
    return Judgment(record, at: look.now)
  }

  /// The place of a port in `ports`. `nil` if only the ages count on that port.
  private mutating func place(ofPort port: UInt16) -> Int? {
    if let place = ports.firstIndex(where: { $0.port == port }) { return ports[place].given == .tcp ? nil : place }
    guard ports.count < ConnectionTable.mostPorts else { return nil }
    ports.append(PortTraits(port: port, given: given.first { $0.number == port }?.speaks))
    return place(ofPort: port)
  }

  private func place(of cookie: UInt64) -> Int? {
    if expected < records.count, records[expected].cookie == cookie { return expected }
    guard !index.isEmpty else { return nil }
    var slot = slot(of: cookie)
    while index[slot] != 0 {
      let place = Int(index[slot]) - 1
      if records[place].cookie == cookie { return place }
      slot = (slot + 1) & (index.count - 1)
    }
    return nil
  }

  private mutating func makeIndex(of size: Int) {
    index = [UInt16](repeating: 0, count: size)
    for place in records.indices { enter(place) }
  }

  private mutating func enter(_ place: Int) {
    var slot = slot(of: records[place].cookie)
    while index[slot] != 0 { slot = (slot + 1) & (index.count - 1) }
    index[slot] = UInt16(place + 1)
  }

  /// The first slot of a cookie in `index`. The hash is that of `InternalConnections.places`.
  private func slot(of cookie: UInt64) -> Int {
    Int((cookie &* 0x9E37_79B9_7F4A_7C15) >> 40) & (index.count - 1)
  }
}

/// The result of all samples of a connection, which replaces the ages of the last one.
package struct Judgment: Sendable {
  /// Whether a request has come whose answer is not sent yet.
  package let isOwed: Bool
  /// Time since the last byte received outside of control frames.
  package let sinceReceived: TimeAmount
  /// Time since the last byte sent outside of control frames.
  package let sinceSent: TimeAmount

  init(_ record: ConnectionRecord, at now: Int32) {
    isOwed = record.isOwed(at: now)
    sinceReceived = .milliseconds(Int(now - record.receivedAt))
    sinceSent = .milliseconds(Int(now - record.sentAt))
  }
}

extension ConnectionRecord.Look {
  /// The sample of a connection. `nil` if the kernel reports too little (before Linux 4.6), or the connection is no longer
  /// open in both directions.
  init?(_ connection: Connection, at now: Instant, since began: Instant) {
    guard connection.state == .established || connection.state == .closeWait, let ages = connection.tcpInfo,
      let segments = ages.segments, let receiveQueue = connection.receiveQueue, let sendQueue = connection.sendQueue
    else { return nil }
    // The kernel counts the end of the stream as one byte received, and as one in the queue until it is read.
    let end: UInt64 = connection.state == .closeWait && ages.bytesReceived > 0 ? 1 : 0
    let unread = receiveQueue > 0 ? UInt64(receiveQueue) - end : 0
    func moment(_ age: TimeAmount) -> Int32 {
      // Limited to eleven days, so that differences fit into 32 bits too.
      Int32(max(-1_000_000_000, min(1_000_000_000, (now - began - age).milliseconds)))
    }
    bytesIn = UInt32(truncatingIfNeeded: ages.bytesReceived &- end &- unread)
    bytesOut = UInt32(truncatingIfNeeded: ages.bytesAcknowledged &+ UInt64(sendQueue))
    segmentsIn = UInt16(truncatingIfNeeded: segments.received)
    segmentsOut = UInt16(truncatingIfNeeded: segments.sent)
    largestSegment = segments.largest
    self.now = moment(.zero)
    receivedAt = moment(ages.lastReceiveAge)
    sentAt = moment(ages.lastSendAge)
    acknowledgedAt = moment(ages.lastAckAge)
  }
}
