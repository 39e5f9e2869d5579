import Primitives

/// A request for a dump of TCP sockets through sock_diag(7), linux/inet_diag.h.
package struct SockDiagRequest: Sendable {
  /// Requests only listening sockets; otherwise all sockets in a state of `TCPState` whose port is in `ports`.
  package var listenersOnly: Bool
  /// Local ports; `nil` for all. Ignored for listening sockets.
  package var ports: SortedSet<UInt16>?
  /// Requests struct tcp_info too.
  package var wantsInfo: Bool

  package init(listenersOnly: Bool, ports: SortedSet<UInt16>?, wantsInfo: Bool) {
    self.listenersOnly = listenersOnly
    self.ports = ports
    self.wantsInfo = wantsInfo
  }

  /// Whether a socket matches the request. The kernel's own filter may let more through.
  package func includes(_ row: SocketRecord) -> Bool {
    listenersOnly ? row.state == TCPState.listen.rawValue : ports?.contains(row.localPort) ?? true
  }

  /// Encodes the message in the machine's byte order.
  ///
  /// The old request (TCPDIAG_GETSOCK) covers both address families in one iteration over all sockets of the kernel.
  /// The new one (SOCK_DIAG_BY_FAMILY) would need two, and each takes some milliseconds for 50 000 sockets.
  package func message(sequence: UInt32) -> [UInt8] {
    let onlyPort = !listenersOnly && ports?.elements.count == 1 ? ports?.elements.first : nil
    let filter = listenersOnly || onlyPort != nil ? [] : portFilter
    var bytes = [UInt8](
      header: .tcpDiagGetSock, flags: NetlinkFlags.request | NetlinkFlags.dump,
      length: 76 + (filter.isEmpty ? 0 : 4 + filter.count), sequence: sequence)
    bytes += [AddressFamily.inet, 0, 0, wantsInfo && !listenersOnly ? 1 << (InetDiag.info - 1) : 0]
    // A single port needs no filter program: the kernel compares it before it reads the colder parts of a socket.
    bytes.append(native: (onlyPort ?? 0).bigEndian)
    bytes += [UInt8](repeating: 0, count: 46)  // the rest of struct inet_diag_sockid
    bytes.append(native: listenersOnly ? TCPState.listen.mask : TCPState.allMask)
    bytes.append(native: 0 as UInt32)
    if !filter.isEmpty {
      bytes.append(native: UInt16(4 + filter.count))
      bytes.append(native: InetDiag.requestBytecode)
      bytes += filter
    }
    return bytes
  }

  /// A program for the kernel's socket filter that accepts each range of ports in turn. Empty for more than 64 ranges,
  /// because reading all sockets then costs no more.
  private var portFilter: [UInt8] {
    var ranges: [(low: UInt16, high: UInt16)] = []
    for port in ports?.elements ?? [] {
      if let last = ranges.last, port == last.high &+ 1 {
        ranges[ranges.count - 1].high = port
      } else {
        ranges.append((port, port))
      }
    }
    guard 1...64 ~= ranges.count else { return [] }
    var bytes: [UInt8] = []
    for (index, range) in ranges.enumerated() {
      // Each operation contains two jump distances in bytes: for true (8 bits) and for false (16 bits). A jump to the
      // end of the program accepts the socket; a jump 4 bytes beyond the end rejects it.
      bytes.append(operation: InetDiag.portAtLeast, ifTrue: 8, ifFalse: 20, port: range.low)
      bytes.append(operation: InetDiag.portAtMost, ifTrue: 8, ifFalse: 12, port: range.high)
      let remaining = UInt16(20 * (ranges.count - index - 1))
      if remaining > 0 { bytes.append(operation: InetDiag.jump, ifTrue: 4, ifFalse: remaining, port: nil) }
    }
    return bytes
  }
}

extension SocketRecord {
  /// Encodes the request for only the other end of this connection, in the machine's byte order. The kernel looks it up
  /// by addresses and ports, without iterating. `nil` if this end's address is unknown.
  ///
  /// The response may be a listening socket: the kernel falls back to one if no connection matches
  /// (net/ipv4/inet_diag.c, inet_diag_find_one_icsk).
  package func otherEndRequest(sequence: UInt32) -> [UInt8]? {
    guard let localAddress else { return nil }
    var bytes = [UInt8](header: .sockDiagByFamily, flags: NetlinkFlags.request, length: 72, sequence: sequence)
    // struct inet_diag_req_v2
    bytes += [localAddress.isVersion4 ? AddressFamily.inet : AddressFamily.inet6, 6, 0, 0]  // IPPROTO_TCP
    bytes.append(native: TCPState.allMask)
    bytes.append(native: peer.port.bigEndian)
    bytes.append(native: localPort.bigEndian)
    bytes.append(address: peer.address)
    bytes.append(address: localAddress)
    bytes.append(native: 0 as UInt32)
    bytes += [UInt8](repeating: 0xFF, count: 8)  // INET_DIAG_NOCOOKIE, twice
    return bytes
  }
}

extension IPAddress {
  fileprivate var isVersion4: Bool {
    if case .v4 = self { true } else { false }
  }
}

extension TCPState {
  /// The state's bit in a mask of states.
  var mask: UInt32 { 1 << UInt32(rawValue) }
  static var allMask: UInt32 { allCases.reduce(0) { $0 | $1.mask } }
}

extension [UInt8] {
  /// Makes a struct nlmsghdr for a message of `length` bytes.
  fileprivate init(header type: NetlinkMessageType, flags: UInt16, length: Int, sequence: UInt32) {
    self = []
    append(native: UInt32(length))
    append(native: type.rawValue)
    append(native: flags)
    append(native: sequence)
    append(native: 0 as UInt32)
  }

  /// Appends a number in the machine's byte order.
  fileprivate mutating func append(native number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
  }

  /// Appends 16 bytes in network byte order, of which IPv4 uses the first four.
  fileprivate mutating func append(address: IPAddress) {
    switch address {
    case .v4(let address):
      append(native: address.bigEndian)
      append(contentsOf: [UInt8](repeating: 0, count: 12))
    case .v6(let high, let low):
      append(native: high.bigEndian)
      append(native: low.bigEndian)
    }
  }

  /// Appends a struct inet_diag_bc_op, followed by a second one that contains the port.
  fileprivate mutating func append(operation: UInt8, ifTrue: UInt8, ifFalse: UInt16, port: UInt16?) {
    append(contentsOf: [operation, ifTrue])
    append(native: ifFalse)
    guard let port else { return }
    append(native: 0 as UInt16)
    append(native: port)
  }
}
