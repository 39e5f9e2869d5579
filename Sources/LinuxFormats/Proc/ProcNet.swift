// The text files of /proc/net, proc_pid_net(5).

import Primitives

extension SocketRecord {
  /// A line of /proc/net/tcp or udp, or of their kin for IPv6. Nil for the heading, and for what is no such line.
  package init?(line: ArraySlice<UInt8>) {
    var columns = Columns(line)
    guard columns.next() != nil, let local = columns.next(), let remote = columns.next(),
      let peer = SocketAddress(procNet: remote), let localPort = SocketAddress(procNet: local)?.port,
      let state = columns.next().flatMap(parseHexadecimal), state <= UInt8.max, let queues = columns.next(),
      let colon = queues.firstIndex(of: UInt8(ascii: ":")), let sendQueue = parseHexadecimal(queues[..<colon]),
      let receiveQueue = parseHexadecimal(queues[(colon + 1)...]), let inode = columns.skip(4).flatMap(decimalNumber)
    else { return nil }
    self.state = UInt8(state)
    self.localPort = localPort
    self.peer = peer
    self.inode = inode
    // gVisor writes zeros for all that it does not know, the queues too. No congestion window is zero.
    guard let window = columns.skip(5).flatMap(decimalNumber), window != 0 else { return }
    self.sendQueue = UInt32(clamping: sendQueue)
    self.receiveQueue = UInt32(clamping: receiveQueue)
  }

  /// Whether a line of /proc/net/udp shows a socket that waits for anybody's datagrams. A client that is not connected
  /// looks the same; it costs a delay that was not needed, where a server without one would lose what comes.
  package var isDatagramServer: Bool { state == 7 && localPort != 0 }
}

/// The inode of a listening UNIX socket, from a line of /proc/net/unix; nil for any other.
package func listeningUnixInode(line: ArraySlice<UInt8>) -> UInt64? {
  var columns = Columns(line)
  // __SO_ACCEPTCON
  guard let flags = columns.skip(3).flatMap(parseHexadecimal), flags & 0x10000 != 0 else { return nil }
  return columns.skip(2).flatMap(decimalNumber)
}

/// Connections of any port that the kernel has accepted since it started, from /proc/net/snmp: a line of names, and one
/// of numbers below. Nil where that is not there.
package func parsePassiveOpens(snmp: [UInt8]) -> Int? {
  let lines = snmp.split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: "Tcp: ".utf8) }
  guard lines.count == 2 else { return nil }
  var names = Columns(lines[0])
  var numbers = Columns(lines[1])
  while let name = names.next(), let number = numbers.next() {
    if name.elementsEqual("PassiveOpens".utf8) { return parseDecimal(number, max: .max) }
  }
  return nil
}

/// The ports that the kernel hands out to clients, from /proc/sys/net/ipv4/ip_local_port_range.
package func parseClientPorts(_ text: [UInt8]) -> ClosedRange<UInt16>? {
  let numbers = text.split { $0 <= UInt8(ascii: " ") }.compactMap { parseDecimal($0, max: Int(UInt16.max)) }
  guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
  return UInt16(numbers[0])...UInt16(numbers[1])
}

/// The words of a line, apart by blanks.
private struct Columns {
  private var remaining: ArraySlice<UInt8>

  init(_ line: ArraySlice<UInt8>) { remaining = line }

  mutating func next() -> ArraySlice<UInt8>? {
    guard let start = remaining.firstIndex(where: { $0 != UInt8(ascii: " ") }) else { return nil }
    let end = remaining[start...].firstIndex(of: UInt8(ascii: " ")) ?? remaining.endIndex
    defer { remaining = remaining[end...] }
    return remaining[start..<end]
  }

  /// The next but `count`.
  mutating func skip(_ count: Int) -> ArraySlice<UInt8>? {
    for _ in 0..<count { _ = next() }
    return next()
  }
}

extension SocketAddress {
  /// `0100007F:1F90`: the address as words of 32 bits in the machine's byte order, though they are numbers of the
  /// network's; the port as a number.
  fileprivate init?(procNet text: ArraySlice<UInt8>) {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let port = parseHexadecimal(text[(colon + 1)...]),
      port <= UInt16.max
    else { return nil }
    let digits = text[..<colon]
    var words: [UInt64] = []
    var remaining = digits
    while !remaining.isEmpty {
      guard let word = parseHexadecimal(remaining.prefix(8)) else { return nil }
      words.append(UInt64(UInt32(bigEndian: UInt32(word))))
      remaining = remaining.dropFirst(8)
    }
    switch digits.count {
    case 8: self.init(.v4(UInt32(words[0])), port: UInt16(port))
    case 32:
      let address = IPAddress(high: words[0] << 32 | words[1], low: words[2] << 32 | words[3])
      self.init(address, port: UInt16(port))
    default: return nil
    }
  }
}

func decimalNumber(_ digits: ArraySlice<UInt8>) -> UInt64? {
  parseDecimal(digits, max: .max).map { UInt64($0) }
}
