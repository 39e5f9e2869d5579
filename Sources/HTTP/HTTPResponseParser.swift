import Primitives

/// A whole HTTP/1 answer as it arrives, RFC 9112: what its end is, and whether the connection is good for another one.
/// The body is counted and not kept.
package struct HTTPResponseParser: Sendable {
  /// How far it has come.
  package enum State: Sendable {
    case incomplete
    case complete
    /// Not HTTP/1.
    case malformed
  }

  /// How far it has come.
  package private(set) var state = State.incomplete
  /// Any byte has arrived.
  package private(set) var hasBegun = false
  /// 200 to 599; nil before the end of the head.
  package private(set) var status: Int?
  /// The server is ready for another request on this connection.
  package private(set) var isReusable = false
  private var head: [UInt8] = []
  private var body = Body.none

  private enum Body {
    case none
    /// So many bytes are missing.
    case counted(Int)
    case chunked(ChunkedBodyDecoder)
    /// All until the server closes.
    case open
  }

  /// Longer heads are none that a server sends.
  private static let maxHeadLength = 16 * 1024

  package init() {}

  /// Takes in what has arrived.
  package mutating func take(_ bytes: [UInt8]) {
    guard state == .incomplete, !bytes.isEmpty else { return }
    hasBegun = true
    guard status == nil else { return takeBody(bytes[...]) }
    head += bytes
    // Only a line's end can be the end of the head: not every byte is a reason to look through all of it again.
    let mayEnd = bytes.contains(UInt8(ascii: "\n"))
    while mayEnd, state == .incomplete, status == nil, let end = endOfHead(head[...]) {
      let remaining = Array(head[end...])
      readHead(head[..<end])
      head = remaining
    }
    guard state == .incomplete else { return }
    if status != nil {
      takeBody(head[...])
      head = []
    } else if head.count > HTTPResponseParser.maxHeadLength {
      state = .malformed
    } else if case .malformed = HTTPStatusLine(statusLine: head[...]) {
      state = .malformed
    }
  }

  /// The server has closed. What is not complete then was cut off.
  package mutating func end() {
    isReusable = false
    if state == .incomplete, status != nil, case .open = body { state = .complete }
  }

  private mutating func readHead(_ bytes: ArraySlice<UInt8>) {
    guard case .status(let status) = HTTPStatusLine(statusLine: bytes) else {
      state = .malformed
      return
    }
    guard status >= 200 else { return }  // an interim answer: the next head follows
    self.status = status
    isReusable = bytes[bytes.startIndex + 7] != UInt8(ascii: "0")  // HTTP/1.0 closes
    body = .open
    for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() { readHeader(line) }
    if status == 204 || status == 304 { body = .none }
    if case .open = body { isReusable = false }
  }

  private mutating func readHeader(_ line: ArraySlice<UInt8>) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
    let value = line[(colon + 1)...].filter { $0 > 0x20 }  // inner blanks matter in none of these
    if line.starts(withLowercase: "content-length:") {
      guard let length = parseDecimal(value, max: .max) else {
        state = .malformed
        return
      }
      if case .chunked = body { return }  // which overrides the length
      body = .counted(length)
    } else if line.starts(withLowercase: "transfer-encoding:") {
      body = value.starts(withLowercase: "chunked") ? .chunked(ChunkedBodyDecoder()) : .open
    } else if line.starts(withLowercase: "connection:"), value.starts(withLowercase: "close") {
      isReusable = false
    }
  }

  private mutating func takeBody(_ bytes: ArraySlice<UInt8>) {
    var remaining = bytes
    switch body {
    case .none: break
    case .open: return
    case .counted(let missing):
      remaining = remaining.dropFirst(missing)
      let left = missing - min(missing, bytes.count)
      body = .counted(left)
      if left > 0 { return }
    case .chunked(var decoder):
      remaining = decoder.take(remaining)
      body = .chunked(decoder)
      if decoder.isMalformed { state = .malformed }
      guard decoder.isComplete else { return }
    }
    state = .complete
    if !remaining.isEmpty { isReusable = false }  // nobody asked for that
  }
}
