// The text files of /proc/net, proc_pid_net(5).

import Primitives

extension SocketRecord {
  /// Parses a line of /proc/net/tcp, tcp6, udp or udp6. `nil` for the heading and for malformed lines.
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
    // gVisor writes 0 for all unknown values, including the queues. A real congestion window is never 0.
    guard let window = columns.skip(5).flatMap(decimalNumber), window != 0 else { return }
    self.sendQueue = UInt32(clamping: sendQueue)
    self.receiveQueue = UInt32(clamping: receiveQueue)
  }

  /// Whether a line of /proc/net/udp is a socket that receives datagrams from any sender. An unconnected client looks
  /// the same: mistaking it for a server costs an unnecessary delay, while missing a server would lose its datagrams.
  package var isDatagramServer: Bool { state == 7 && localPort != 0 }
}

/// Parses the inode of a listening UNIX socket from a line of /proc/net/unix. `nil` for any other line.
package func parseListeningUnixInode(line: ArraySlice<UInt8>) -> UInt64? {
  var columns = Columns(line)
  // __SO_ACCEPTCON
  guard let flags = columns.skip(3).flatMap(parseHexadecimal), flags & 0x10000 != 0 else { return nil }
  return columns.skip(2).flatMap(decimalNumber)
}

/// Parses the number of connections on all ports that the kernel has accepted since it started, from /proc/net/snmp.
/// The file has a line of names above a line of numbers. `nil` if the number is missing.
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

/// Parses the range of ports for outgoing connections from /proc/sys/net/ipv4/ip_local_port_range. `nil` if malformed.
package func parseClientPorts(_ text: [UInt8]) -> ClosedRange<UInt16>? {
  let numbers = text.split { $0 <= UInt8(ascii: " ") }.compactMap { parseDecimal($0, max: Int(UInt16.max)) }
  guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
  return UInt16(numbers[0])...UInt16(numbers[1])
}

/// The space-separated columns of a line.
private struct Columns {
  private var remaining: ArraySlice<UInt8>

  init(_ line: ArraySlice<UInt8>) { remaining = line }

  mutating func next() -> ArraySlice<UInt8>? {
    guard let start = remaining.firstIndex(where: { $0 != UInt8(ascii: " ") }) else { return nil }
    let end = remaining[start...].firstIndex(of: UInt8(ascii: " ")) ?? remaining.endIndex
    defer { remaining = remaining[end...] }
    return remaining[start..<end]
  }

  /// Skips `count` columns and returns the next one.
  mutating func skip(_ count: Int) -> ArraySlice<UInt8>? {
    for _ in 0..<count { _ = next() }
    return next()
  }
}

extension SocketAddress {
  /// Parses `0100007F:1F90`. The address is 32-bit words in network byte order, each printed as a number of the
  /// machine's byte order. The port is a number.
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
