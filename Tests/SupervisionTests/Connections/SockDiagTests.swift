import Testing

@testable import LinuxFormats
@testable import Primitives

/// The requests to sock_diag(7), and its responses.
@Suite struct SockDiagTests {
  private func messages(_ bytes: [UInt8], sequence: UInt32 = 1) -> [SockDiagResponse.Message] {
    bytes.withUnsafeBytes {
      var messages = SockDiagResponse($0, sequence: sequence)
      var all: [SockDiagResponse.Message] = []
      while let message = messages.next() { all.append(message) }
      return all
    }
  }

  private func parsed(_ bytes: [UInt8]) throws -> SocketRecord {
    #expect(kinds(bytes) == ["socket"])
    guard case .socket(let row) = messages(bytes).first else { throw NotASocket() }
    return row
  }

  private struct NotASocket: Error {}

  /// The kind of each message.
  private func kinds(_ bytes: [UInt8]) -> [String] {
    messages(bytes).map { message in
      switch message {
      case .socket: "socket"
      case .done: "done"
      case .failed: "failed"
      case .interrupted: "interrupted"
      }
    }
  }

  @Test func `a sock_diag message gives ports, peer, queues, inode, cookie, ages and control group`() throws {
    let row = try parsed(
      DiagBytes.message(
        localPort: 8080, peerPort: 54321, peer: [0x0A01_0203, 0, 0, 0], queues: [5, 6], inode: 4_000_000_000,
        cookie: 0x0102_0304_0506_0708,
        attributes: DiagBytes.attribute(8, [0]) + DiagBytes.attribute(2, DiagBytes.info())
          + DiagBytes.attribute(21, [1, 0, 0, 0, 0, 0, 0, 1])))
    #expect(row.state == 1)
    #expect(row.localPort == 8080)
    #expect(row.peer == SocketAddress(.v4(0x0A01_0203), port: 54321))
    #expect(row.receiveQueue == 5)
    #expect(row.sendQueue == 6)
    #expect(row.inode == 4_000_000_000)
    let ages = try #require(row.tcpInfo)
    #expect(ages.lastSendAge == .milliseconds(1))
    #expect(ages.lastReceiveAge == .milliseconds(2))
    #expect(ages.lastAckAge == .milliseconds(3))
    #expect(ages.bytesReceived == 4)
    #expect(ages.bytesAcknowledged == 5)
    #expect(row.cookie == 0x0102_0304_0506_0708)
    #expect(row.controlGroup != nil)
  }

  @Test func `the peer of a sock_diag message is IPv4 or IPv6, a mapped one IPv4`() throws {
    func peer(_ family: UInt8, _ words: [UInt32]) throws -> IPAddress {
      try parsed(DiagBytes.message(family: family, peer: words)).peer.address
    }
    #expect(try peer(2, [0x7F00_0001, 9, 9, 9]) == .loopback4)
    #expect(try peer(10, [0, 0, 0, 1]) == .loopback6)
    #expect(try peer(10, [0, 0, 0xFFFF, 0x7F00_0001]) == .loopback4)
    #expect(try peer(10, [1, 0, 0xFFFF, 1]) == .v6(high: 1 << 32, low: 0xFFFF_0000_0001))
    #expect(try peer(10, [0x2001_0DB8, 0, 1, 2]) == .v6(high: 0x2001_0DB8_0000_0000, low: 0x0000_0001_0000_0002))
  }

  @Test func `the local address of a sock_diag message is IPv4 or IPv6, a mapped one IPv4`() throws {
    func local(_ family: UInt8, _ words: [UInt32]) throws -> IPAddress? {
      try parsed(DiagBytes.message(family: family, local: words)).localAddress
    }
    #expect(try local(2, [0x0A01_0203, 9, 9, 9]) == .v4(0x0A01_0203))
    #expect(try local(10, [0, 0, 0xFFFF, 0x7F00_0001]) == .loopback4)
    #expect(try local(10, [1, 2, 3, 4]) == .v6(high: 1 << 32 | 2, low: 3 << 32 | 4))
  }

  @Test func `struct tcp_info is read from 136 bytes on, and unknown if it is shorter`() throws {
    for length in 0...232 {
      let info = DiagBytes.info(length: length)
      #expect(
        try (parsed(DiagBytes.message(attributes: DiagBytes.attribute(2, info))).tcpInfo != nil) == (length >= 136))
    }
    let longest = DiagBytes.info(sent: .max, received: .max, acknowledged: .max, bytes: .max)
    let ages = try #require(parsed(DiagBytes.message(attributes: DiagBytes.attribute(2, longest))).tcpInfo)
    #expect(ages.lastSendAge == .milliseconds(Int(UInt32.max)))
    #expect(ages.bytesReceived == .max)
    #expect(try parsed(DiagBytes.message(attributes: [])).tcpInfo == nil)
    let flagged = DiagBytes.attribute(0x8002, DiagBytes.info())  // NLA_F_NESTED is not part of the type
    #expect(try parsed(DiagBytes.message(attributes: flagged)).tcpInfo != nil)
  }

  @Test func `a datagram of several messages gives each until NLMSG_DONE, without those of other requests`() {
    let stale = DiagBytes.message(sequence: 7)
    let all = DiagBytes.message() + stale + DiagBytes.message(type: 18) + DiagBytes.done
    #expect(kinds(all) == ["socket", "socket", "done"])
    #expect(kinds([]) == [])
    #expect(kinds(stale) == [])
  }

  @Test func `NLMSG_NOOP and acknowledgements are skipped`() {
    let nothing = DiagBytes.header(1, count: 0)
    let padded = DiagBytes.header(1, count: 1) + [9, 0, 0, 0]
    #expect(kinds(nothing) == [])
    let all = nothing + padded + DiagBytes.ending(type: 2) + DiagBytes.message() + DiagBytes.done
    #expect(kinds(all) == ["socket", "done"])
  }

  @Test func `with sequence number 0 the events of a multicast group are read`() {
    #expect(messages(DiagBytes.message(sequence: 0), sequence: 0).count == 1)
    #expect(messages(DiagBytes.message(sequence: 0)).isEmpty)
  }

  @Test func `a netlink error is its positive errno`() {
    func code(_ bytes: [UInt8]) -> Int32? {
      guard case .failed(let code)? = messages(bytes).first else { return nil }
      return code
    }
    #expect(code(DiagBytes.ending(type: 2, code: -1)) == 1)
    #expect(code(DiagBytes.ending(type: 3, code: -105)) == 105)
    #expect(code(DiagBytes.ending(type: 2, code: .min)) == .min)  // has no positive value, and must not trap
    #expect(code(DiagBytes.ending(type: 2, code: 5)) == 5)
    #expect(code(DiagBytes.ending(type: 2)) == nil)  // an acknowledgement
    #expect(code(DiagBytes.ending(type: 2, code: -1, sequence: 2)) == nil)
  }

  @Test func `an interrupted dump and a truncated message are interruptions`() {
    func isInterrupted(_ bytes: [UInt8]) -> Bool {
      guard case .interrupted? = messages(bytes).first else { return false }
      return true
    }
    #expect(isInterrupted(DiagBytes.message(flags: 0x12)))  // NLM_F_DUMP_INTR
    #expect(isInterrupted(DiagBytes.ending(type: 4)))
    let whole = DiagBytes.message()
    for count in 1..<whole.count { #expect(isInterrupted(Array(whole.prefix(count)))) }
    #expect(isInterrupted([UInt8](repeating: 0, count: 16)))  // a length of 0
    #expect(isInterrupted([15] + whole.dropFirst()))
    #expect(isInterrupted(DiagBytes.message(attributes: [3, 0, 2, 0])))
    #expect(isInterrupted(DiagBytes.message(attributes: [9, 0, 2, 0, 1])))
  }

  // MARK: The request

  private func request(_ list: [UInt16], listenersOnly: Bool = false) -> SockDiagRequest {
    var ports = SortedSet<UInt16>()
    for port in list { ports.insert(port) }
    return SockDiagRequest(listenersOnly: listenersOnly, ports: ports, wantsInfo: true)
  }

  private func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> Int {
    bytes[offset..<(offset + width)].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  @Test func `a sock_diag request selects one port, ranges of ports by a program, or listening sockets`() {
    let single = request([0x1F90]).message(sequence: 5)
    #expect(single.count == 76)
    #expect(number(single, 0, 4) == 76)
    #expect(number(single, 4, 2) == 18)
    #expect(number(single, 6, 2) == 0x301)
    #expect(number(single, 8, 4) == 5)
    #expect(single[19] == 2)
    #expect(Array(single[20..<22]) == [0x1F, 0x90])
    #expect(number(single, 68, 4) == 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11)
    let listeners = request([1], listenersOnly: true).message(sequence: 1)
    #expect(listeners.count == 76)
    #expect(listeners[19] == 0)
    #expect(number(listeners, 20, 2) == 0)
    #expect(number(listeners, 68, 4) == 1 << 10)
    let several = request([80, 443]).message(sequence: 1)
    #expect(several.count == 76 + 4 + 36)
    #expect(number(several, 0, 4) == several.count)
    #expect(number(several, 76, 2) == 40)
    #expect(number(several, 78, 2) == 1)
    #expect(number(several, 20, 2) == 0)
    #expect(request([80, 81, 82]).message(sequence: 1).count == 76 + 4 + 16)
    #expect(request((0..<65).map { 2 * $0 }).message(sequence: 1).count == 76)
    var poorer = request([80])
    poorer.wantsInfo = false
    #expect(poorer.message(sequence: 1)[19] == 0)
  }

  @Test func `the request for a connection's other end swaps its addresses and ports`() throws {
    let version4 = DiagBytes.message(
      localPort: 0x1F90, peerPort: 0xABCD, peer: [0x7F00_0001, 0, 0, 0], local: [0x7F00_0002, 0, 0, 0])
    let bytes = try #require(try parsed(version4).otherEndRequest(sequence: 5))
    #expect(bytes.count == 72)
    #expect(number(bytes, 0, 4) == 72)
    #expect(number(bytes, 4, 2) == 20)
    #expect(number(bytes, 6, 2) == 1)
    #expect(number(bytes, 8, 4) == 5)
    #expect(bytes[16..<20] == [2, 6, 0, 0])
    // From the other end.
    #expect(bytes[24..<28] == [0xAB, 0xCD, 0x1F, 0x90])
    #expect(bytes[28..<44] == [127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(bytes[44..<60] == [127, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[60...]) == [0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
    let version6 = DiagBytes.message(family: 10, peer: [1, 2, 3, 4], local: [5, 6, 7, 8])
    let words = try #require(try parsed(version6).otherEndRequest(sequence: 5))
    #expect(words[16] == 10)
    #expect(words[28..<44] == [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4])
    #expect(words[44..<60] == [0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8])
    var unknown = try parsed(version6)
    unknown.localAddress = nil
    #expect(unknown.otherEndRequest(sequence: 5) == nil)
  }

  /// Checks and runs a filter program as net/ipv4/inet_diag.c does; `nil` if the kernel would refuse it.
  private func accepts(_ program: [UInt8], _ port: Int) -> Bool? {
    var at = 0
    while at < program.count {
      let remaining = program.count - at
      let (yes, no) = (Int(program[at + 1]), number(program, at + 2, 2))
      let isLong = program[at] != 1
      guard yes >= (isLong ? 8 : 4), yes <= remaining + 4, no >= 4, no <= remaining + 4, (yes | no) & 3 == 0 else {
        return nil
      }
      let holds =
        switch program[at] {
        case 2: port >= number(program, at + 6, 2)
        case 3: port <= number(program, at + 6, 2)
        default: false
        }
      at += holds ? yes : no
    }
    return at == program.count
  }

  @Test(arguments: [
    [80, 443], [1, 2, 3, 65535], [0, 65534, 65535], Array(stride(from: 1, to: 192, by: 3)), [80, 81],
  ])
  func `the filter program accepts the requested ports and no other`(ports: [UInt16]) {
    let program = Array(request(ports).message(sequence: 1).dropFirst(80))
    for port in 0...65535 where accepts(program, port) != ports.contains(UInt16(port)) {
      Issue.record("\(port)")
      return
    }
  }

  @Test func `a row that the kernel's filter let through is checked against the request`() throws {
    let row = try parsed(DiagBytes.message(state: 10, localPort: 80))
    #expect(request([80]).includes(row))
    #expect(!request([81]).includes(row))
    #expect(request([81], listenersOnly: true).includes(row))
    let any = SockDiagRequest(listenersOnly: false, ports: nil, wantsInfo: true)
    #expect(any.includes(row))
    #expect(any.message(sequence: 1).count == 76)
    #expect(number(any.message(sequence: 1), 20, 2) == 0)
    #expect(try !request([80], listenersOnly: true).includes(parsed(DiagBytes.message(localPort: 80))))
  }
}
