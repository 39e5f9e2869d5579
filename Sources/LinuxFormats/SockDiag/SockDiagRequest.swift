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
    var writer = ByteWriter()
    writer.append(native: UInt32(76 + (filter.isEmpty ? 0 : 4 + filter.count)))
    writer.append(native: 18 as UInt16)  // TCPDIAG_GETSOCK
    writer.append(native: 0x301 as UInt16)  // NLM_F_REQUEST | NLM_F_DUMP
    writer.append(native: sequence)
    writer.append(native: 0 as UInt32)
    writer.append([2, 0, 0, wantsInfo && !listenersOnly ? 1 << 1 : 0])  // AF_INET, lengths, INET_DIAG_INFO
    // A single port needs no filter program: the kernel compares it before it reads the colder parts of a socket.
    writer.append(native: (onlyPort ?? 0).bigEndian)
    writer.append([UInt8](repeating: 0, count: 46))  // the rest of struct inet_diag_sockid
    writer.append(native: listenersOnly ? TCPState.listen.mask : TCPState.allMask)
    writer.append(native: 0 as UInt32)
    if !filter.isEmpty {
      writer.append(native: UInt16(4 + filter.count))
      writer.append(native: 1 as UInt16)  // INET_DIAG_REQ_BYTECODE
      writer.append(filter)
    }
    return writer.bytes
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
    var writer = ByteWriter()
    for (index, range) in ranges.enumerated() {
      let isLast = index == ranges.count - 1
      // Each operation contains two jump distances in bytes: for true (8 bits) and for false (16 bits). A jump to the
      // end of the program accepts the socket; a jump 4 bytes beyond the end rejects it.
      let remaining = UInt16(20 * (ranges.count - index) - 4)
      writer.append(operation: 2, ifTrue: 8, ifFalse: 20, port: range.low)  // INET_DIAG_BC_S_GE
      writer.append(operation: 3, ifTrue: 8, ifFalse: 12, port: range.high)  // INET_DIAG_BC_S_LE
      if !isLast { writer.append(operation: 1, ifTrue: 4, ifFalse: remaining - 16, port: nil) }  // INET_DIAG_BC_JMP
    }
    return writer.bytes
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
    var writer = ByteWriter()
    writer.append(native: 72 as UInt32)
    writer.append(native: 20 as UInt16)  // SOCK_DIAG_BY_FAMILY
    writer.append(native: 1 as UInt16)  // NLM_F_REQUEST
    writer.append(native: sequence)
    writer.append(native: 0 as UInt32)
    // struct inet_diag_req_v2
    writer.append([localAddress.isVersion4 ? 2 : 10, 6, 0, 0])  // AF_INET or AF_INET6, IPPROTO_TCP
    writer.append(native: TCPState.allMask)
    writer.append(native: peer.port.bigEndian)
    writer.append(native: localPort.bigEndian)
    writer.append(address: peer.address)
    writer.append(address: localAddress)
    writer.append(native: 0 as UInt32)
    writer.append([UInt8](repeating: 0xFF, count: 8))  // INET_DIAG_NOCOOKIE, twice
    return writer.bytes
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

extension ByteWriter {
  fileprivate mutating func append(native number: UInt16) { append(Int(number.littleEndian), width: 2) }
  fileprivate mutating func append(native number: UInt32) { append(Int(number.littleEndian), width: 4) }

  /// Appends 16 bytes in network byte order, of which IPv4 uses the first four.
  fileprivate mutating func append(address: IPAddress) {
    switch address {
    case .v4(let address):
      append(native: address.bigEndian)
      append([UInt8](repeating: 0, count: 12))
    case .v6(let high, let low):
      for half in [high, low] {
        append(native: UInt32(truncatingIfNeeded: half >> 32).bigEndian)
        append(native: UInt32(truncatingIfNeeded: half).bigEndian)
      }
    }
  }

  /// Appends a struct inet_diag_bc_op, followed by a second one that contains the port.
  fileprivate mutating func append(operation: UInt8, ifTrue: UInt8, ifFalse: UInt16, port: UInt16?) {
    append([operation, ifTrue])
    append(native: ifFalse)
    guard let port else { return }
    append([0, 0])
    append(native: port)
  }
}
