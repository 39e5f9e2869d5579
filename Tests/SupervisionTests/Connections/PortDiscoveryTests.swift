import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The ports that follow from the listening sockets and the descriptors of processes.
@Suite struct PortDiscoveryTests {
  private var listeners = PortDiscovery(given: nil, excluding: 9000)

  private func row(_ port: UInt16, _ inode: UInt64, group: UInt64? = nil) -> SocketRecord {
    SocketRecord(
      state: 10, localPort: port, peer: SocketAddress(.v4(0), port: 0), receiveQueue: 0, sendQueue: 0, inode: inode,
      tcpInfo: nil, controlGroup: group)
  }

  private struct Found: Equatable {
    let source: ConnectionSample.PortSource
    let ports: [UInt16]

    init(_ source: ConnectionSample.PortSource, _ ports: [UInt16]) { (self.source, self.ports) = (source, ports) }
  }

  private var found: Found { Found(listeners.portSource, listeners.ports.elements) }

  /// Lists the listening sockets, and scans processes if needed. Returns whether that was needed.
  @discardableResult
  private mutating func look(
    _ rows: [SocketRecord], owned: [UInt64] = [], group: UInt64? = nil, isEverybody: Bool = false,
    _ change: (inout PortDiscovery.ScanResult) -> Void = { _ in }
  ) -> Bool {
    listeners.beginLook()
    for row in rows { listeners.add(row) }
    guard listeners.needsSearch else { return false }
    var findings = PortDiscovery.ScanResult()
    for inode in owned { findings.matched.insert(inode) }
    change(&findings)
    listeners.finishScan(findings, controlGroup: group, isEverybody: isEverybody)
    return true
  }

  @Test mutating func `given ports are used, without ebb's own`() {
    listeners = PortDiscovery(given: [443, 80, 9000, 80], excluding: 9000)
    #expect(found == Found(.given, [80, 443]))
    // ebb's own port alone says nothing about the command.
    listeners = PortDiscovery(given: [9000], excluding: 9000)
    #expect(listeners.portSource == .unknown)
    look([row(80, 1), row(9000, 4)], owned: [1])
    #expect(found == Found(.ofTree, [80]))
  }

  /// The connections of a listening socket that has been closed.
  @Test mutating func `the port of an accepted connection is the command's, unless clients get such ports`() {
    func socket(_ state: UInt8, _ port: UInt16, _ inode: UInt64) -> SocketRecord {
      var socket = row(port, inode)
      socket.state = state
      return socket
    }
    let rows = [
      socket(1, 80, 1), socket(8, 32767, 2), socket(1, 32768, 3), socket(1, 60999, 4), socket(1, 61000, 5),
      socket(6, 81, 6), socket(10, 82, 7), socket(1, 83, 0), socket(1, 9000, 8), socket(1, 84, 9),
    ]
    look([])
    #expect(listeners.portSource == .none)
    #expect(!listeners.needsSearch)
    listeners.restart()
    // Also if the second scan finds nothing more.
    #expect(listeners.portSource == .unknown)
    #expect(listeners.needsSearch)
    for row in rows { listeners.addAccepted(row, clientPorts: 32768...60999) }
    #expect(listeners.candidates.map(\.inode) == [1, 2, 5, 9])
    var findings = PortDiscovery.ScanResult()
    for inode in [1, 2, 5] as [UInt64] { findings.matched.insert(inode) }
    listeners.finishScan(findings, controlGroup: nil, isEverybody: false)
    #expect(found == Found(.ofTree, [80, 32767, 61000]))
  }

  /// The command may listen on the same port of another address.
  @Test mutating func `a second listening socket on ebb's own port may be the command's`() {
    look([row(9000, 4)])
    #expect(listeners.portSource == .none)
    let rows = [row(9000, 4), row(9000, 5), row(9000, 6)]
    look(rows, owned: [6])
    #expect(found == Found(.ofTree, [9000]))
    #expect(!look(rows))
  }

  @Test mutating func `ports owned by the process tree are used, and kept after they are closed`() {
    #expect(listeners.portSource == .unknown)
    #expect(listeners.needsOthers)
    look([row(80, 1), row(443, 2), row(80, 3), row(9000, 4), row(15000, 5)], owned: [1, 2, 3])
    #expect(found == Found(.ofTree, [80, 443]))
    #expect(!listeners.needsOthers)
    #expect(listeners.candidates.isEmpty)
    #expect(!listeners.needsSearch)
    // All are known, so no process is scanned.
    #expect(!look([row(80, 1), row(80, 6), row(15000, 5)]))
    // The command has closed them.
    #expect(!look([]))
    #expect(found == Found(.ofTree, [80, 443]))
    // A late one, and one of another process.
    #expect(look([row(8443, 7), row(15001, 8)], owned: [7]))
    #expect(found == Found(.ofTree, [80, 443, 8443]))
    #expect(!look([row(15001, 8)]))
  }

  @Test mutating func `with all processes readable a foreign listening socket means that the command has none`() {
    look([row(15000, 5)])
    #expect(found == Found(.none, []))
    #expect(!look([row(15000, 5)]))
    #expect(look([row(15000, 5), row(80, 6)], owned: [6]))
    #expect(found == Found(.ofTree, [80]))
  }

  /// The kernel may have given its inode to another socket.
  @Test mutating func `the inode of a foreign socket that was closed may be the command's later`() {
    look([row(15000, 5)])
    look([row(15001, 6)])
    #expect(look([row(15001, 6), row(80, 5)], owned: [5]))
    #expect(found == Found(.ofTree, [80]))
  }

  @Test mutating func `a scan that was incomplete, unsteady or blind leaves open whether the command listens`() {
    look([]) { $0.isSteady = false }
    #expect(listeners.portSource == .unknown)
    // The scan is repeated, because something changed.
    #expect(look([]))
    #expect(listeners.portSource == .none)
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([]) { $0.isComplete = false }
    #expect(listeners.portSource == .unknown)
    #expect(!look([]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1)]) { $0.hasBlindSpot = true }
    #expect(found == Found(.unknown, []))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([]) {
      $0.hasBlindSpot = true
      $0.hasUncountable = true
    }
    #expect(listeners.portSource == .unknown)
  }

  @Test mutating func `a command with UDP or UNIX sockets alone has no countable connections`() {
    look([row(15000, 5)]) { $0.hasUncountable = true }
    #expect(listeners.portSource == .uncountable)
    look([row(15000, 5), row(80, 6)], owned: [6]) { $0.hasUncountable = true }
    #expect(listeners.portSource == .ofTree)
  }

  @Test mutating func `with unreadable processes all listening sockets count`() {
    look([row(80, 1), row(9000, 4), row(15000, 5)]) { $0.isComplete = false }
    #expect(found == Found(.all, [80, 15000]))
    look([row(8080, 6)]) { $0.isComplete = false }
    #expect(found == Found(.all, [80, 8080, 15000]))
    // It stays so, even if a later one is the command's, foreign, or of its control group.
    look([row(8443, 7)], owned: [7])
    #expect(listeners.portSource == .all)
    look([row(8444, 8)])
    #expect(found == Found(.all, [80, 8080, 8443, 15000]))
    look([row(8445, 9, group: 77)], group: 77) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
  }

  @Test mutating func `with unreadable processes a port of the tree is used alone`() {
    look([row(80, 1), row(15000, 5)], owned: [1]) { $0.isComplete = false }
    #expect(found == Found(.ofTree, [80]))
    #expect(!look([row(80, 1), row(15000, 5)]))
    look([row(15001, 6)]) { $0.isComplete = false }
    #expect(found == Found(.ofTree, [80]))
  }

  /// A child runs as another user, whose descriptors even root may not read without CAP_SYS_PTRACE.
  @Test mutating func `with unreadable processes the ports of ebb's control group are used`() {
    let rows = [row(9001, 1, group: 77), row(80, 2, group: 77), row(15000, 5, group: 78)]
    look(rows, owned: [1], group: 77) { $0.isComplete = false }
    #expect(found == Found(.ofControlGroup, [80, 9001]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(9001, 1, group: 77)], owned: [1], group: 77)
    look(rows, group: 77) { $0.isComplete = false }  // it begins to listen late
    #expect(found == Found(.ofControlGroup, [80, 9001]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look(rows, owned: [1], group: 77)
    #expect(found == Found(.ofTree, [9001]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look(rows, owned: [1], group: 77, isEverybody: true)
    #expect(found == Found(.ofControlGroup, [80, 9001]))
    // A neighbour that begins to listen late does not belong to it.
    look([row(15001, 6, group: 78)], group: 77, isEverybody: true)
    #expect(found == Found(.ofControlGroup, [80, 9001]))
  }

  @Test mutating func `without a known owner ports are distinguished by control group, if ebb has one`() {
    look([row(80, 1, group: 77), row(15000, 5, group: 78), row(81, 2)], group: 77) { $0.isComplete = false }
    #expect(found == Found(.ofControlGroup, [80]))
    look([row(8443, 7, group: 77)], owned: [7])
    #expect(found == Found(.ofControlGroup, [80, 8443]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1, group: 77)], group: 79) { $0.isComplete = false }
    #expect(found == Found(.all, [80]))
    // If ebb's control group is unknown, the attribute says nothing.
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1)], group: nil) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
  }

  /// A sidecar cannot see the command's processes.
  @Test mutating func `a scan of all visible processes uses the ports of any of them`() {
    look([row(80, 1)], isEverybody: true)
    #expect(found == Found(.all, [80]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1), row(81, 2)], owned: [2], isEverybody: true)
    #expect(found == Found(.ofTree, [81]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([], isEverybody: true)
    #expect(listeners.portSource == .none)
  }
}
