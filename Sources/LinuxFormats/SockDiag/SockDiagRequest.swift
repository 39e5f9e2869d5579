import Primitives

/// What is asked of sock_diag(7), linux/inet_diag.h.
package struct SockDiagRequest: Sendable {
  /// Only listening sockets; else all that `ports` and the states of `TCPState` let through.
  package var listenersOnly: Bool
  /// Local ports, nil: all. Not looked at for listeners.
  package var ports: SortedSet<UInt16>?
  /// With struct tcp_info.
  package var wantsInfo: Bool

  package init(listenersOnly: Bool, ports: SortedSet<UInt16>?, wantsInfo: Bool) {
    self.listenersOnly = listenersOnly
    self.ports = ports
    self.wantsInfo = wantsInfo
  }

  /// Whether a row is what was asked for. The kernel's own filter may let more through.
  package func includes(_ row: SocketRecord) -> Bool {
    listenersOnly ? row.state == TCPState.listen.rawValue : ports?.contains(row.localPort) ?? true
  }

  /// The message, in the machine's byte order.
  ///
  /// The old request (TCPDIAG_GETSOCK) asks for both families, and the kernel walks all its sockets once; the new one
  /// (SOCK_DIAG_BY_FAMILY) would have it walk them twice. 50 000 sockets are some milliseconds each time.
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
    // A single port needs no program: the kernel compares it before it touches the colder parts of a socket.
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

  /// A program of the kernel's socket filter language: accepts each range of ports in turn. Empty for more than a few
  /// ranges, where to look at all rows is no dearer.
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
      // An operation says how far to go where it holds, in one byte, and where not, in two. Behind the last one lies
      // acceptance, four bytes beyond it refusal.
      let remaining = UInt16(20 * (ranges.count - index) - 4)
      writer.append(operation: 2, ifTrue: 8, ifFalse: 20, port: range.low)  // INET_DIAG_BC_S_GE
      writer.append(operation: 3, ifTrue: 8, ifFalse: 12, port: range.high)  // INET_DIAG_BC_S_LE
      if !isLast { writer.append(operation: 1, ifTrue: 4, ifFalse: remaining - 16, port: nil) }  // INET_DIAG_BC_JMP
    }
    return writer.bytes
  }
}

extension SocketRecord {
  /// The message that requests the other end of this connection alone: the kernel finds it by addresses and ports,
  /// without a walk. In the machine's byte order. Nil where this end's address is unknown.
  ///
  /// The answer may be a listening socket: the kernel falls back to one where no connection matches
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
  /// As a bit of a mask of states.
  var mask: UInt32 { 1 << UInt32(rawValue) }
  static var allMask: UInt32 { allCases.reduce(0) { $0 | $1.mask } }
}

extension ByteWriter {
  fileprivate mutating func append(native number: UInt16) { append(Int(number.littleEndian), width: 2) }
  fileprivate mutating func append(native number: UInt32) { append(Int(number.littleEndian), width: 4) }

  /// 16 bytes in network byte order, of which IPv4 uses the first four.
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

  /// struct inet_diag_bc_op; a port stands in a second one.
  fileprivate mutating func append(operation: UInt8, ifTrue: UInt8, ifFalse: UInt16, port: UInt16?) {
    append([operation, ifTrue])
    append(native: ifFalse)
    guard let port else { return }
    append([0, 0])
    append(native: port)
  }
}
