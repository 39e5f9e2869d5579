import CPlatform
import Supervision
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Dumps that fail, and sources that report less than expected.
@Suite struct SocketDumpTests {
  private let table = SocketDump(source: .diagWithInfo)

  /// Returns the reason of a failure, `again`, or `nil` for an outcome that must not follow an error.
  private func outcome(_ code: Int32) -> String? {
    switch table.recover(from: Errno(code: code)) {
    case .again: "again"
    case .failed(let failure): failure.reason
    case .more, .done: nil
    }
  }

  private func ports(_ port: UInt16) -> SortedSet<UInt16> {
    var ports = SortedSet<UInt16>()
    ports.insert(port)
    return ports
  }

  @Test(arguments: [EINTR, ENOBUFS, EAGAIN])
  func `a disturbed dump is retried three times and then fails`(_ code: Int32) {
    for _ in 0..<2 {
      table.begin(listenersOnly: true, ports: SortedSet())
      for _ in 0..<3 { #expect(outcome(code) == "again") }
      #expect(outcome(code)?.hasPrefix("sock_diag: ") == true)
    }
    #expect(table.source == .diagWithInfo)
  }

  @Test(arguments: [EMFILE, ENFILE, ENOMEM])
  func `running out of descriptors or memory fails the pass without downgrading the source`(_ code: Int32) {
    #expect(outcome(code)?.hasPrefix("sock_diag: ") == true)
    #expect(table.source == .diagWithInfo)
  }

  @Test func `EPERM before the first answer falls back to /proc and EACCES there to no source`() {
    #expect(outcome(EPERM) == "again")
    #expect(table.source == .proc)
    #expect(outcome(EACCES) == "again")
    #expect(table.source == .none)
  }

  @Test func `EPERM after the first answer fails the pass`() {
    table.begin(listenersOnly: true, ports: SortedSet())
    while case .more = table.step({ _ in }) {}
    #expect(outcome(EPERM)?.hasPrefix("sock_diag: ") == true)
    #expect(table.source == .diagWithInfo)
  }

  /// The rest of the broken answer must not precede the next one.
  @Test func `a dump restarts from its first row after an error or an abandoned dump`() throws {
    let listener = try Listener()
    let sockets = try listener.makeConnections(300)
    defer { for socket in sockets { close(socket) } }
    var rows = 0
    table.begin(listenersOnly: false, ports: ports(listener.port))
    while rows < 100, case .more = table.step({ _ in rows += 1 }) {}
    #expect((100..<250).contains(rows))
    #expect(outcome(EINTR) == "again")
    rows = 0
    while case .more = table.step({ _ in rows += 1 }) {}
    #expect((290...310).contains(rows))  // other tests open and close sockets in the kernel's table
    // An abandoned dump restarts too.
    table.begin(listenersOnly: false, ports: ports(listener.port))
    rows = 0
    while rows < 100, case .more = table.step({ _ in rows += 1 }) {}
    table.begin(listenersOnly: false, ports: ports(listener.port))
    rows = 0
    while case .more = table.step({ _ in rows += 1 }) {}
    #expect((290...310).contains(rows))
  }

  /// struct nlmsghdr with a number: interrupted, overrun, refused. None of them ends an answer.
  @Test(arguments: [(type: 3, flags: 0x10, EINTR), (4, 0, EINTR), (2, 0, EPERM), (3, 0, EPERM)])
  func `an interrupted, overrun or refused netlink answer throws its errno`(type: UInt8, flags: UInt8, code: Int32) {
    let header: [UInt8] = [20, 0, 0, 0, type, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let message = header + [0xFF, 0xFF, 0xFF, 0xFF]
    #expect(throws: Errno(code: code)) {
      _ = try message.withUnsafeBytes { bytes throws(Errno) in try table.parseDatagram(bytes) { _ in } }
    }
  }

  @Test func `a row that lacks information downgrades the source`() throws {
    func row(_ state: String, window: Int) throws -> SocketRecord {
      let line = "0: 0100007F:0050 0100007F:0001 \(state) 0:0 00:0 0 0 0 9 1 0 20 4 30 \(window) -1"
      return try #require(SocketRecord(line: Array(line.utf8)[...]))
    }
    var rows = 0
    table.begin(listenersOnly: false, ports: ports(80))
    // The kernel reports less about a listening socket anyway.
    table.deliver(try row("0A", window: 0)) { _ in rows += 1 }
    #expect(table.source == .diagWithInfo)
    table.deliver(try row("01", window: 10)) { _ in rows += 1 }
    #expect(table.source == .diag)
    table.deliver(try row("01", window: 0)) { _ in rows += 1 }  // gVisor reports this
    #expect(table.source == .procStates)
    #expect(rows == 3)
  }
}
