/// Sizes of what is neither a request nor an answer, in bytes. A few of them are sizes of small messages too, so a size
/// counts only where something else says that the protocol is spoken.
enum ControlFrames {
  /// RFC 9113: SETTINGS with the ACK flag 9, WINDOW_UPDATE 13, PING 17; one or two of them.
  static func isHTTP2(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 9, 13, 17, 22, 26, 30, 34: true
    default: false
    }
  }

  /// The same in records of TLS 1.3, each 22 bytes larger than what it carries (RFC 8446 section 5.2, with AES-GCM): one,
  /// or two WINDOW_UPDATEs in two records.
  static func isHTTP2InTLS(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 31, 35, 39, 70: true
    default: false
    }
  }

  /// Two WINDOW_UPDATEs in one record: of a server only, since a request may have that size.
  static let twoUpdatesInTLS: UInt32 = 48

  /// PING, which is answered by one of the same size; one or two, with or without TLS.
  static func isPing(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 17, 34, 39, 78: true
    default: false
    }
  }

  /// RFC 6455 section 5.5.2: a ping or pong of a server, with the usual payloads of 0, 4 or 8 bytes, with or without TLS.
  static func isServersWebSocketPing(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 2, 6, 10, 24, 28, 32: true
    default: false
    }
  }

  /// How many of these that is, one or two; `nil` if neither.
  static func serversWebSocketPings(_ bytes: UInt32) -> UInt32? {
    if isServersWebSocketPing(bytes) { return 1 }
    return bytes % 2 == 0 && isServersWebSocketPing(bytes / 2) ? 2 : nil
  }

  /// That of a client is masked (section 5.3).
  static let mask: UInt32 = 4
  static func isClientsWebSocketPing(_ bytes: UInt32) -> Bool {
    bytes > mask && isServersWebSocketPing(bytes - mask)
  }

  /// Bytes of the client's part in a whole ping: `received` and `sent` are a ping and its answer, or two of WebSocket, as
  /// where both sides keep the connection alive. `nil` if they are not.
  static func ping(_ received: UInt32, _ sent: UInt32) -> UInt32? {
    if received == sent { return isPing(received) ? received : nil }
    guard let pings = serversWebSocketPings(sent), received == sent + pings * mask else { return nil }
    return received / pings
  }

  /// Of a client: header and mask of WebSocket, and a byte.
  static let smallestMessage: UInt32 = 7

  /// `HTTP/1.1 100 Continue`: the answer is yet to come. A request that asks for it is longer than `shortestExpect`.
  static let interim: UInt32 = 25
  static let interimInTLS: UInt32 = 25 + 22
  static let shortestExpect: UInt32 = 60
}
