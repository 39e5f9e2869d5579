import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// Whether a connection with both ends on this machine counts.
@Suite final class InternalConnectionsTests {
  private var connections = InternalConnections()

  /// The command's end of a connection, on port 80.
  private func row(
    _ cookie: UInt64, inode: UInt64? = nil, state: UInt8 = 1, peer: IPAddress = .loopback4,
    local: IPAddress? = .loopback4, group: UInt64? = nil
  ) -> SocketRecord {
    SocketRecord(
      state: state, localPort: 80, localAddress: local,
      peer: SocketAddress(peer, port: UInt16(truncatingIfNeeded: 1000 &+ cookie)), receiveQueue: 0, sendQueue: 0,
      inode: inode ?? 1000 &+ cookie, cookie: cookie, tcpInfo: nil, controlGroup: group)
  }

  /// The client's end; its default inode is that of the command's end plus 100 000.
  private func otherEnd(of row: SocketRecord, inode: UInt64? = nil, group: UInt64? = nil) -> SocketRecord {
    SocketRecord(
      state: 1, localPort: row.peer.port, localAddress: row.peer.address,
      peer: SocketAddress(row.localAddress ?? .loopback4, port: row.localPort), receiveQueue: 0, sendQueue: 0,
      inode: inode ?? 100_000 + row.inode, cookie: 0, tcpInfo: nil, controlGroup: group)
  }

  private func counts(_ row: SocketRecord) -> Bool { connections.counts(row) }

  /// Makes a pass and returns how many connections count. `inside`: cookies of those with both ends in the tree.
  private func pass(
    _ rows: [SocketRecord], inside: [UInt64] = [], group: UInt64? = nil, otherGroup: UInt64? = nil,
    _ change: (inout PortDiscovery.ScanResult) -> Void = { _ in }
  ) -> Int {
    connections.beginPass()
    var counted = rows.count(where: { counts($0) })
    while let row = connections.nextHeld { connections.add(otherEnd(of: row, group: otherGroup)) }
    var findings = PortDiscovery.ScanResult()
    for cookie in inside {
      for inode in [1000 + cookie, 101_000 + cookie] where connections.inodes.contains(inode) {
        findings.matched.insert(inode)
      }
    }
    change(&findings)
    connections.conclude(findings, controlGroup: group) { _ in counted += 1 }
    return counted
  }

  @Test func `a connection with both ends in the command's tree does not count`() {
    #expect(pass([row(1), row(2), row(3)], inside: [2]) == 2)
    #expect([1, 2, 3].map { connections.isInternal(cookie: $0) } == [false, true, false])
    // The next pass knows it without a request.
    connections.beginPass()
    #expect([1, 2, 3].map { counts(row($0)) } == [true, false, true])
    #expect(connections.held.isEmpty)
    #expect(connections.countedBefore == 0)
  }

  @Test func `a connection with one end in the command's tree counts`() {
    for inode: UInt64 in [1001, 101_001] {
      #expect(pass([row(1)]) { $0.matched.insert(inode) } == 1)
      #expect(!connections.isInternal(cookie: 1))
      connections = InternalConnections()
    }
  }

  @Test func `only a connection whose peer may be on this machine is held back`() {
    func holds(_ peer: IPAddress, _ local: IPAddress?, cookie: UInt64 = 1) -> Bool {
      connections = InternalConnections()
      connections.beginPass()
      return !counts(row(cookie, peer: peer, local: local))
    }
    let other = IPAddress.v4(0x7F00_0006)
    let remote = IPAddress.v4(0x0A00_0001)
    #expect(holds(.loopback4, .loopback4))
    #expect(holds(other, .loopback4))
    #expect(holds(remote, remote))
    #expect(holds(.loopback6, .loopback6))
    #expect(!holds(remote, .loopback4))
    #expect(!holds(.loopback4, remote))
    #expect(!holds(.v4(0x0A00_0002), remote))
    #expect(!holds(.loopback6, .v6(high: 0, low: 2)))
    // /proc/net and old kernels report no local address or no cookie.
    #expect(!holds(.loopback4, nil))
    #expect(!holds(.loopback4, .loopback4, cookie: 0))
    #expect(!holds(.loopback4, .loopback4, cookie: .max))
  }

  @Test func `a listening or another socket at the peer's address is not the other end`() {
    let row = row(1)
    var listener = otherEnd(of: row)
    listener.peer = SocketAddress(.v4(0), port: 0)
    var mapped = otherEnd(of: row)
    mapped.localPort += 1
    for found in [listener, mapped, nil] {
      connections.beginPass()
      #expect(!counts(row))
      connections.add(found)
      #expect(connections.inodes.isEmpty)
      var counted = 0
      connections.conclude(PortDiscovery.ScanResult(), controlGroup: nil) { _ in counted += 1 }
      #expect(counted == 1)
      connections = InternalConnections()
    }
  }

  @Test func `a connection whose client has closed it counts`() {
    connections.beginPass()
    #expect(!counts(row(1)))
    connections.add(otherEnd(of: row(1), inode: 0))
    #expect(connections.inodes.isEmpty)
    connections.conclude(PortDiscovery.ScanResult(), controlGroup: nil) { _ in }
    #expect(counts(row(1)))
  }

  /// A connection that was counted stays in the sum of open and closed ones.
  @Test func `a connection counts until a steady scan shows that it is internal`() {
    #expect(pass([row(1), row(2)], inside: [1]) { $0.isSteady = false } == 1)
    #expect(pass([row(1), row(2)]) { $0.isSteady = false } == 1)
    #expect(pass([row(2)], inside: [2]) == 0)
    #expect(connections.countedBefore == 1)
    #expect(pass([row(1), row(2)], inside: [1, 2]) == 0)
    #expect(connections.countedBefore == 1)
  }

  @Test func `a connection counts after a pass that could not look up its other end`() {
    connections.beginPass()
    #expect(!counts(row(1)))
    var counted = 0
    connections.conclude(PortDiscovery.ScanResult(), controlGroup: nil) { _ in counted += 1 }
    #expect(counted == 1)
    #expect(pass([row(1)], inside: [1]) == 0)
    #expect(connections.countedBefore == 1)
  }

  @Test func `a connection of an abandoned pass was not counted`() {
    connections.beginPass()
    #expect(!counts(row(1)))
    connections.beginAnew()
    #expect(!counts(row(1)))
    #expect(connections.held.count == 1)
    #expect(pass([row(1)], inside: [1]) == 0)
    #expect(connections.countedBefore == 0)
  }

  @Test func `a connection that is not accepted yet counts`() {
    #expect(pass([row(1, inode: 0)], inside: [1]) == 1)
    #expect(connections.held.isEmpty)
    #expect(pass([row(1)], inside: [1]) == 0)
    #expect(connections.countedBefore == 1)
  }

  /// The owners of the sockets are unknown.
  @Test func `with unreadable processes both ends in ebb's control group make a connection internal`() {
    func counts(_ own: UInt64?, _ group: UInt64?, _ other: UInt64?, isComplete: Bool = false) -> Bool {
      connections = InternalConnections()
      return pass([row(1, group: group)], group: own, otherGroup: other) { $0.isComplete = isComplete } == 1
    }
    #expect(!counts(7, 7, 7))
    #expect(counts(7, 7, 8))
    #expect(counts(7, 8, 7))
    #expect(counts(7, 7, nil))
    #expect(counts(nil, nil, nil))
    #expect(connections.countedBefore == 0)
    #expect(pass([row(1)], inside: [1]) == 0)
    #expect(connections.countedBefore == 1)
    #expect(counts(7, 7, 7, isComplete: true))
  }

  @Test func `connections beyond the table's room count`() {
    connections = InternalConnections(sets: 1, mostHeld: 3)
    let rows = (1...10).map { row($0) }
    // Three are held back in each pass, and eight are remembered.
    #expect(pass(rows, inside: Array(1...10)) == 7)
    #expect(pass(rows, inside: Array(1...10)) == 4)
    #expect(pass(rows, inside: Array(1...10)) == 2)
    #expect(pass(rows, inside: Array(1...10)) == 2)
    #expect(connections.countedBefore == 5)
    // Those not seen in two passes are replaced.
    #expect(pass([rows[7], rows[8], rows[9]], inside: [8, 9, 10]) == 2)
    #expect(pass([rows[7], rows[8], rows[9]], inside: [8, 9, 10]) == 0)
    #expect(connections.isInternal(cookie: 8))
    #expect(connections.isInternal(cookie: 9))
    #expect(connections.isInternal(cookie: 10))
  }

  /// The kernel counts cookies up, and any part of them may be the command's.
  @Test(arguments: [1, 2, 3, 7, 64, 512, 4096] as [UInt64])
  func `internal connections are found among 2500 with ascending cookies`(step: UInt64) {
    connections = InternalConnections(mostHeld: 4000)
    let cookies = (1...2500).map { 1_000_000 + $0 * step }
    #expect(pass(cookies.map { row($0) }, inside: cookies) == 0)
  }
}
