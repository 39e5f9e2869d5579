/// Sizes of frames that are neither a request nor an answer, in bytes. Small messages may have some of these sizes, so a size
/// counts only if something else indicates the protocol.
enum ControlFrames {
  /// Whether this is the size of one or two of these frames: SETTINGS with the ACK flag 9, WINDOW_UPDATE 13, PING 17 (RFC 9113
  /// section 6).
  static func isHTTP2(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 9, 13, 17, 22, 26, 30, 34: true
    default: false
    }
  }

  /// Whether this is the size of one such frame, or of two WINDOW_UPDATE frames, in TLS 1.3. Each record is 22 bytes larger
  /// than its content (RFC 8446 section 5.2, with AES-GCM).
  static func isHTTP2InTLS(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 31, 35, 39, 70: true
    default: false
    }
  }

  /// Size of two WINDOW_UPDATE frames in one record. It counts only if a server sent it, because a request may have that size.
  static let twoUpdatesInTLS: UInt32 = 48

  /// Whether this is the size of one or two PING frames, with or without TLS. The answer to a PING has the same size.
  static func isPing(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 17, 34, 39, 78: true
    default: false
    }
  }

  /// Whether this is the size of a WebSocket ping or pong of a server (RFC 6455 section 5.5.2), with the usual payloads of 0, 4
  /// or 8 bytes, with or without TLS.
  static func isServersWebSocketPing(_ bytes: UInt32) -> Bool {
    switch bytes {
    case 2, 6, 10, 24, 28, 32: true
    default: false
    }
  }

  /// The number of such frames with this total size: 1 or 2, or `nil`.
  static func serversWebSocketPings(_ bytes: UInt32) -> UInt32? {
    if isServersWebSocketPing(bytes) { return 1 }
    return bytes % 2 == 0 && isServersWebSocketPing(bytes / 2) ? 2 : nil
  }

  /// Bytes of the mask in each frame of a client (RFC 6455 section 5.3).
  static let mask: UInt32 = 4

  /// Whether this is the size of a WebSocket ping or pong of a client.
  static func isClientsWebSocketPing(_ bytes: UInt32) -> Bool {
    bytes > mask && isServersWebSocketPing(bytes - mask)
  }

  /// Bytes of the client's part in a ping, if `received` and `sent` are a whole ping and its answer. They may also be two of
  /// WebSocket, because both sides may send pings. `nil` otherwise.
  static func ping(_ received: UInt32, _ sent: UInt32) -> UInt32? {
    if received == sent { return isPing(received) ? received : nil }
    guard let pings = serversWebSocketPings(sent), received == sent + pings * mask else { return nil }
    return received / pings
  }

  /// Size of the smallest WebSocket message of a client: header, mask and one byte.
  static let smallestMessage: UInt32 = 7

  /// Size of `HTTP/1.1 100 Continue`, after which the answer is still owed. A request with `Expect: 100-continue` is longer
  /// than `shortestExpect`.
  static let interim: UInt32 = 25
  static let interimInTLS: UInt32 = 25 + 22
  static let shortestExpect: UInt32 = 60
}
