import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The text files of /proc/net and others that the search for listening sockets reads. From a little-endian machine.
@Suite struct ProcNetTests {
  private func parsed(_ text: String) -> SocketRecord? { SocketRecord(line: Array(text.utf8)[...]) }

  @Test func `a line of /proc/net/tcp gives ports, peer, queues and inode`() throws {
    let row = try #require(
      parsed(
        "   1: 0100007F:1F90 0302010A:D431 01 00000005:00000007 00:00000000 00000000   101        0 4711 1 "
          + "ffff8880 20 4 30 10 -1"))
    #expect(row.state == 1)
    #expect(row.localPort == 8080)
    #expect(row.inode == 4711)
    #expect(row.peer == SocketAddress(.v4(0x0A01_0203), port: 54321))
    #expect(row.sendQueue == 5)
    #expect(row.receiveQueue == 7)
    #expect(row.tcpInfo == nil)
    #expect(row.connection?.class(quiet: .zero) == .unreadRequest)
  }

  @Test func `the addresses of /proc/net/tcp6 are parsed, mapped IPv4 ones as IPv4`() throws {
    let line =
      "0: 00000000000000000000000000000000:0016 %:0001 0A 0:2 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0"
    func peer(_ address: String) -> IPAddress? {
      parsed(line.split(separator: "%").joined(separator: address))?.peer.address
    }
    #expect(peer("0000000000000000FFFF00000100007F") == .loopback4)
    #expect(peer("00000000000000000000000001000000") == .loopback6)
    #expect(peer("B80D0120000000000000000002000000") == .v6(high: 0x2001_0DB8_0000_0000, low: 2))
  }

  /// gVisor writes zeros.
  @Test func `queues that gVisor writes as zero are unknown`() throws {
    let row = try #require(
      parsed("   7: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  0  0 9 1 0x0 0 0 0 0 -1"))
    #expect(row.receiveQueue == nil)
    #expect(row.sendQueue == nil)
    #expect(row.inode == 9)
    #expect(row.connection?.class(quiet: .zero) == .unknown)
    let short = try #require(parsed("7: 0100007F:1F90 0100007F:D431 01 00000000:00000000 0:0 0 0 0 9"))
    #expect(short.receiveQueue == nil)
  }

  @Test func `a socket in TIME_WAIT is not a connection`() {
    let line = "2: 0100007F:1F90 0100007F:D432 06 00000000:00000000 03:0000176E 00000000     0        0 0 3 ffff8880"
    #expect(parsed(line) != nil)
    #expect(parsed(line)?.connection == nil)
  }

  @Test(arguments: [
    "", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", "1: 2 3 4",
    "0: 0100007F:1F90 0100007F:D431 01 0:0 0:0 0 0 0", "0: 0100007F:1F900 0100007F:D431 01 0:0 0:0 0 0 0 1",
    "0: 0100007F 0100007F:D431 01 0:0 0:0 0 0 0 1", "0: 0100007F:1F90 100007F:D431 01 0:0 0:0 0 0 0 1",
    "0: 0100007F:1F90 0100007F:D431 101 0:0 0:0 0 0 0 1", "0: 0100007F:1F90 0100007F:D431 01 0 0:0 0 0 0 1",
    "0: 0100007F:1F90 0100007F:D431 01 0:0 0:0 0 0 0 x", "0: 0100007G:1F90 0100007F:D431 01 0:0 0:0 0 0 0 1",
    "0: 0100007F:1F90 0100007F:D431 01 0:0 0:0 0 0 0 99999999999999999999",
  ])
  func `a line that is not one of a /proc/net socket table is refused`(text: String) {
    #expect(parsed(text) == nil)
  }

  @Test func `a bound UDP socket without a peer is a datagram server`() {
    func isServer(_ port: String, _ state: String) -> Bool? {
      parsed("  9: 0100007F:\(port) 00000000:0000 \(state) 00000000:00000000 00:0 0 0 0 1 2 ffff 0")?.isDatagramServer
    }
    #expect(isServer("0035", "07") == true)
    #expect(isServer("FFFF", "07") == true)
    #expect(isServer("0035", "01") == false)
    #expect(isServer("0000", "07") == false)
  }

  @Test func `ip_local_port_range is parsed as two ports in ascending order`() {
    #expect(parseClientPorts(Array("32768\t60999\n".utf8)) == 32768...60999)
    #expect(parseClientPorts(Array("1 65535".utf8)) == 1...65535)
    for text in ["", "1", "1 2 3", "2 1", "1 65536", "a b"] { #expect(parseClientPorts(Array(text.utf8)) == nil) }
  }

  @Test func `only a listening UNIX socket of /proc/net/unix has an inode`() {
    func inode(_ text: String) -> UInt64? { parseListeningUnixInode(line: Array(text.utf8)[...]) }
    #expect(inode("0000000000000000: 00000002 00000000 00010000 0001 01 30012 /run/a b") == 30012)
    #expect(inode("0000000000000000: 00000002 00000000 00010000 0001 01 30012") == 30012)
    #expect(inode("0000000000000000: 00000003 00000000 00000000 0001 03 30013 /run/a") == nil)
    #expect(inode("Num       RefCount Protocol Flags    Type St Inode Path") == nil)
    #expect(inode("") == nil)
  }

  @Test func `the inode of a socket is read from its /proc/PID/fd link, and from no other link`() {
    func inode(_ text: String) -> UInt64? { parseSocketInode(link: Array(text.utf8)[...]) }
    #expect(inode("socket:[0]") == 0)
    #expect(inode("socket:[4294967296]") == 4_294_967_296)
    for text in ["", "socket:[", "socket:[]", "socket:[1", "socket:[1]x", "socket:[-1]", "pipe:[1]", "/socket:[1]"] {
      #expect(inode(text) == nil, "\(text)")
    }
  }

  @Test func `PassiveOpens is read from /proc/net/snmp, and is unknown if a line of it is missing`() {
    func opens(_ text: String) -> Int? { parsePassiveOpens(snmp: Array(text.utf8)) }
    let text =
      "Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens AttemptFails\n"
      + "Tcp: 1 -1 5 375457 0\nUdp: A\n"
    #expect(opens(text) == 375457)
    #expect(opens("Tcp: PassiveOpens\n") == nil)
    #expect(opens("Tcp: PassiveOpens\nTcp:\n") == nil)
    #expect(opens("") == nil)
    #expect(opens("Tcp: PassiveOpens\nTcp: 1\nTcp: 2\n") == nil)
    #expect(opens("Tcp: A PassiveOpens\nTcp: 1\n") == nil)
    #expect(opens("Tcp: PassiveOpens\nTcp: -1\n") == nil)
  }

  @Test func `the path of a process's control group is that of cgroup version 2`() {
    func path(_ text: String) -> String? {
      parseControlGroupPath(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(path("0::/\n") == "/")
    #expect(path("9:name=systemd:/\n0::/kubepods/pod1/a\n") == "/kubepods/pod1/a")
    #expect(path("9:memory:/a\n") == nil)
    #expect(path("0::\n") == nil)
    #expect(path("") == nil)
  }

  @Test func `a zombie with threads has lost its leader, one without has exited`() {
    func life(_ state: String, _ threads: Int) -> ThreadGroupState {
      ThreadGroupState(
        stat: Array("7 (a) b) \(state) 1 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 \(threads) 0 5".utf8))
    }
    #expect(life("S", 1) == .running)
    #expect(life("D", 3) == .running)
    #expect(life("Z", 1) == .exited)
    #expect(life("Z", 2) == .leaderExited)
    #expect(life("X", 0) == .exited)
    #expect(ThreadGroupState(stat: []) == .exited)
  }

  @Test func `a /proc mounted with hidepid hides processes`() {
    func hides(_ text: String) -> Bool { hidesProcesses(mount: Array(text.utf8)[...]) }
    #expect(hides("21 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw,gid=7,hidepid=invisible"))
    #expect(!hides("21 1 0:21 / /proc rw,nosuid - proc proc rw"))
    #expect(!hides(""))
    #expect(!hides("/a/hidepid=2 b"))
  }
}
