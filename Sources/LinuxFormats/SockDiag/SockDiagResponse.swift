import Primitives

/// The messages in one datagram of a sock_diag(7) socket, netlink(7). Checks every length in it.
package struct SockDiagResponse {
  private var remaining: UnsafeRawBufferPointer
  private let sequence: UInt32

  package enum Message {
    case socket(SocketRecord)
    case done
    /// The kernel's errno.
    case failed(Int32)
    /// The dump is inconsistent, or the bytes are malformed; the caller must repeat the request.
    case interrupted
  }

  /// `sequence` is the request's number, or 0 for notifications. Responses to other requests are skipped. The bytes
  /// must stay valid while this value is used.
  package init(_ bytes: UnsafeRawBufferPointer, sequence: UInt32) {
    remaining = bytes
    self.sequence = sequence
  }

  /// Returns the next message; `nil` after the last one.
  package mutating func next() -> Message? {
    while !remaining.isEmpty {
      // struct nlmsghdr
      guard remaining.count >= 16 else { return broken() }
      let length = Int(remaining.number(at: 0, as: UInt32.self))
      let type = remaining.number(at: 4, as: UInt16.self)
      let flags = remaining.number(at: 6, as: UInt16.self)
      let isOurs = remaining.number(at: 8, as: UInt32.self) == sequence
      guard length >= 16, length <= remaining.count else { return broken() }
      let payload = UnsafeRawBufferPointer(rebasing: remaining[16..<length])
      remaining = UnsafeRawBufferPointer(rebasing: remaining[min(remaining.count, (length + 3) & ~3)...])
      guard isOurs else { continue }
      if flags & NetlinkFlags.dumpInterrupted != 0 { return .interrupted }
      switch NetlinkMessageType(rawValue: type) {
      case .error, .done:
        let code = payload.count >= 4 ? payload.number(at: 0, as: Int32.self) : 0
        if code != 0 { return .failed(code < 0 ? 0 &- code : code) }
        if type == NetlinkMessageType.done.rawValue { return .done }
      case .overrun: return .interrupted
      case .tcpDiagGetSock, .sockDiagByFamily:
        guard let row = SocketRecord(diag: payload) else { return .interrupted }
        return .socket(row)
      case nil: continue
      }
    }
    return nil
  }

  private mutating func broken() -> Message {
    remaining = UnsafeRawBufferPointer(start: nil, count: 0)
    return .interrupted
  }
}

extension SocketRecord {
  /// Parses a struct inet_diag_msg and the attributes after it. `nil` if the bytes end too early.
  init?(diag bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 72 else { return nil }
    func word(_ offset: Int) -> UInt32 { bytes.number(at: offset, as: UInt32.self) }
    func bigEndianWord(_ offset: Int) -> UInt64 { UInt64(UInt32(bigEndian: word(offset))) }
    state = bytes[1]
    localPort = UInt16(bigEndian: bytes.number(at: 4, as: UInt16.self))
    func address(_ offset: Int) -> IPAddress {
      bytes[0] == AddressFamily.inet
        ? .v4(UInt32(bigEndian: word(offset)))
        : IPAddress(
          high: bigEndianWord(offset) << 32 | bigEndianWord(offset + 4),
          low: bigEndianWord(offset + 8) << 32 | bigEndianWord(offset + 12))
    }
    localAddress = address(8)
    peer = SocketAddress(address(24), port: UInt16(bigEndian: bytes.number(at: 6, as: UInt16.self)))
    cookie = UInt64(word(44)) | UInt64(word(48)) << 32
    receiveQueue = word(56)
    sendQueue = word(60)
    inode = UInt64(word(68))

    var offset = 72
    while bytes.count - offset >= 4 {
      // struct nlattr
      let length = Int(bytes.number(at: offset, as: UInt16.self))
      guard length >= 4, length <= bytes.count - offset else { return nil }
      let value = UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + length)])
      switch bytes.number(at: offset + 2, as: UInt16.self) & 0x3FFF {  // NLA_TYPE_MASK
      case InetDiag.info: tcpInfo = TCPInfo(info: value)
      case InetDiag.controlGroupID where value.count >= 8: controlGroup = value.number(at: 0, as: UInt64.self)
      default: break
      }
      offset += (length + 3) & ~3
    }
  }
}

extension TCPInfo {
  /// Parses a struct tcp_info, which grows with the kernel's version. `nil` before Linux 4.2, which counts no bytes.
  init?(info: UnsafeRawBufferPointer) {
    guard info.count >= 136 else { return nil }
    func word(_ offset: Int) -> UInt32 { info.number(at: offset, as: UInt32.self) }
    func age(_ offset: Int) -> TimeAmount { .milliseconds(Int(word(offset))) }
    func bytes(_ offset: Int) -> UInt64 { info.number(at: offset, as: UInt64.self) }
    self.init(
      lastSendAge: age(44), lastReceiveAge: age(52), lastAckAge: age(56), bytesReceived: bytes(128),
      bytesAcknowledged: bytes(120))
    if info.count >= 160 { segments = Segments(received: word(152), sent: word(156), largest: word(16)) }
  }
}

extension UnsafeRawBufferPointer {
  /// Reads a number in the machine's byte order. The caller must have checked the bounds.
  fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Number.Type) -> Number {
    loadUnaligned(fromByteOffset: offset, as: type)
  }
}
