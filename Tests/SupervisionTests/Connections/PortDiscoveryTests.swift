import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// What is concluded from listening sockets and the descriptors of processes.
@Suite struct PortDiscoveryTests {
  private var listeners = PortDiscovery(given: nil, excluding: 9000)

  private func row(_ port: UInt16, _ inode: UInt64, group: UInt64? = nil) -> SocketRecord {
    SocketRecord(
      state: 10, localPort: port, peer: SocketAddress(.v4(0), port: 0), receiveQueue: 0, sendQueue: 0, inode: inode,
      tcpInfo: nil, controlGroup: group)
  }

  /// A look at listening sockets, and a search if there is need of one. Returns whether there was.
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
    #expect(listeners.ports.elements == [80, 443])
    #expect(listeners.portSource == .given)
    // ebb's own alone says nothing of the command.
    listeners = PortDiscovery(given: [9000], excluding: 9000)
    #expect(listeners.portSource == .unknown)
    look([row(80, 1), row(9000, 4)], owned: [1])
    #expect(listeners.ports.elements == [80])
    #expect(listeners.portSource == .ofTree)
  }

  /// What is left of a listening socket that has been closed.
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
    // Also where nothing more comes of it.
    #expect(listeners.portSource == .unknown)
    #expect(listeners.needsSearch)
    for row in rows { listeners.addAccepted(row, clientPorts: 32768...60999) }
    #expect(listeners.candidates.map(\.inode) == [1, 2, 5, 9])
    var findings = PortDiscovery.ScanResult()
    for inode in [1, 2, 5] as [UInt64] { findings.matched.insert(inode) }
    listeners.finishScan(findings, controlGroup: nil, isEverybody: false)
    #expect(listeners.ports.elements == [80, 32767, 61000])
    #expect(listeners.portSource == .ofTree)
  }

  /// The command may listen on the same port of another address.
  @Test mutating func `a second listening socket on ebb's own port may be the command's`() {
    look([row(9000, 4)])
    #expect(listeners.portSource == .none)
    let rows = [row(9000, 4), row(9000, 5), row(9000, 6)]
    look(rows, owned: [6])
    #expect(listeners.ports.elements == [9000])
    #expect(listeners.portSource == .ofTree)
    #expect(!look(rows))
  }

  @Test mutating func `ports owned by the process tree are used, and kept after they are closed`() {
    #expect(listeners.portSource == .unknown)
    #expect(listeners.needsOthers)
    look([row(80, 1), row(443, 2), row(80, 3), row(9000, 4), row(15000, 5)], owned: [1, 2, 3])
    #expect(listeners.ports.elements == [80, 443])
    #expect(listeners.portSource == .ofTree)
    #expect(!listeners.needsOthers)
    #expect(listeners.candidates.isEmpty)
    #expect(!listeners.needsSearch)
    // All is known: no process need be looked into.
    #expect(!look([row(80, 1), row(80, 6), row(15000, 5)]))
    // Closed by the command, kept.
    #expect(!look([]))
    #expect(listeners.ports.elements == [80, 443])
    #expect(listeners.portSource == .ofTree)
    // A late one, and one of somebody else.
    #expect(look([row(8443, 7), row(15001, 8)], owned: [7]))
    #expect(listeners.ports.elements == [80, 443, 8443])
    #expect(listeners.portSource == .ofTree)
    #expect(!look([row(15001, 8)]))
  }

  @Test mutating func `with all processes readable a foreign listening socket means that the command has none`() {
    look([row(15000, 5)])
    #expect(listeners.portSource == .none)
    #expect(listeners.ports.elements.isEmpty)
    #expect(!look([row(15000, 5)]))
    #expect(look([row(15000, 5), row(80, 6)], owned: [6]))
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [80])
  }

  /// Its number is another socket's by now.
  @Test mutating func `the inode of a foreign socket that was closed may be the command's later`() {
    look([row(15000, 5)])
    look([row(15001, 6)])
    #expect(look([row(15001, 6), row(80, 5)], owned: [5]))
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [80])
  }

  @Test mutating func `a scan that was incomplete, unsteady or blind leaves open whether the command listens`() {
    look([]) { $0.isSteady = false }
    #expect(listeners.portSource == .unknown)
    // Looked at again, since it changed.
    #expect(look([]))
    #expect(listeners.portSource == .none)
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([]) { $0.isComplete = false }
    #expect(listeners.portSource == .unknown)
    #expect(!look([]))
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1)]) { $0.hasBlindSpot = true }
    #expect(listeners.portSource == .unknown)
    #expect(listeners.ports.elements.isEmpty)
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
    #expect(listeners.portSource == .all)
    #expect(listeners.ports.elements == [80, 15000])
    look([row(8080, 6)]) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
    #expect(listeners.ports.elements == [80, 8080, 15000])
    // It stays so, even where one is found to be the command's, or nobody's, or its control group's.
    look([row(8443, 7)], owned: [7])
    #expect(listeners.portSource == .all)
    look([row(8444, 8)])
    #expect(listeners.portSource == .all)
    #expect(listeners.ports.elements == [80, 8080, 8443, 15000])
    look([row(8445, 9, group: 77)], group: 77) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
  }

  @Test mutating func `with unreadable processes a port of the tree is used alone`() {
    look([row(80, 1), row(15000, 5)], owned: [1]) { $0.isComplete = false }
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [80])
    #expect(!look([row(80, 1), row(15000, 5)]))
    look([row(15001, 6)]) { $0.isComplete = false }
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [80])
  }

  /// A child of another user, whose descriptors root too may not read without CAP_SYS_PTRACE.
  @Test mutating func `with unreadable processes the ports of ebb's control group are used`() {
    let rows = [row(9001, 1, group: 77), row(80, 2, group: 77), row(15000, 5, group: 78)]
    look(rows, owned: [1], group: 77) { $0.isComplete = false }
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80, 9001])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(9001, 1, group: 77)], owned: [1], group: 77)
    look(rows, group: 77) { $0.isComplete = false }  // it listens late
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80, 9001])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look(rows, owned: [1], group: 77)
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [9001])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look(rows, owned: [1], group: 77, isEverybody: true)
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80, 9001])
    // A neighbour that listens late is none of it.
    look([row(15001, 6, group: 78)], group: 77, isEverybody: true)
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80, 9001])
  }

  @Test mutating func `without an owner ports are told apart by control group, if ebb has one`() {
    look([row(80, 1, group: 77), row(15000, 5, group: 78), row(81, 2)], group: 77) { $0.isComplete = false }
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80])
    look([row(8443, 7, group: 77)], owned: [7])
    #expect(listeners.portSource == .ofControlGroup)
    #expect(listeners.ports.elements == [80, 8443])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1, group: 77)], group: 79) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
    #expect(listeners.ports.elements == [80])
    // Without a group of its own the attribute says nothing.
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1)], group: nil) { $0.isComplete = false }
    #expect(listeners.portSource == .all)
  }

  /// A sidecar sees none of the command's processes.
  @Test mutating func `a scan of all visible processes uses the ports of any of them`() {
    look([row(80, 1)], isEverybody: true)
    #expect(listeners.portSource == .all)
    #expect(listeners.ports.elements == [80])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([row(80, 1), row(81, 2)], owned: [2], isEverybody: true)
    #expect(listeners.portSource == .ofTree)
    #expect(listeners.ports.elements == [81])
    listeners = PortDiscovery(given: nil, excluding: nil)
    look([], isEverybody: true)
    #expect(listeners.portSource == .none)
  }
}
