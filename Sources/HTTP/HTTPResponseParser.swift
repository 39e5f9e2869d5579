import Primitives

/// A parser for an HTTP/1 response that arrives in parts, RFC 9112. It finds the end of the response and whether the
/// connection can be reused. It skips the body.
package struct HTTPResponseParser: Sendable {
  package enum State: Sendable {
    case incomplete
    case complete
    /// The bytes are not HTTP/1.
    case malformed
  }

  package private(set) var state = State.incomplete
  package private(set) var hasBegun = false
  /// 200 to 599; `nil` before the end of the head.
  package private(set) var status: Int?
  /// Whether the server accepts another request on this connection.
  package private(set) var isReusable = false
  private var head: [UInt8] = []
  private var body = Body.none

  private enum Body {
    case none
    /// The number of missing bytes.
    case counted(Int)
    case chunked(ChunkedBodyDecoder)
    /// The body ends when the server closes the connection.
    case open
  }

  /// The maximum head in bytes; no real server sends a longer one.
  private static let maxHeadLength = 16 * 1024

  package init() {}

  package mutating func take(_ bytes: [UInt8]) {
    guard state == .incomplete, !bytes.isEmpty else { return }
    hasBegun = true
    guard status == nil else { return takeBody(bytes[...]) }
    head += bytes
    // Search the whole head only after a newline, because only a newline can end it.
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

  /// Records that the server has closed the connection. A response that is still incomplete was cut off.
  package mutating func end() {
    isReusable = false
    if state == .incomplete, status != nil, case .open = body { state = .complete }
  }

  private mutating func readHead(_ bytes: ArraySlice<UInt8>) {
    guard case .status(let status) = HTTPStatusLine(statusLine: bytes) else {
      state = .malformed
      return
    }
    guard status >= 200 else { return }  // an interim response: the next head follows
    self.status = status
    isReusable = bytes[bytes.startIndex + 7] != UInt8(ascii: "0")  // HTTP/1.0 closes
    body = .open
    for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() { readHeader(line) }
    if status == 204 || status == 304 { body = .none }
    if case .open = body { isReusable = false }
  }

  private mutating func readHeader(_ line: ArraySlice<UInt8>) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
    let value = line[(colon + 1)...].filter { $0 > 0x20 }  // spaces in the value are irrelevant here
    if line.starts(withLowercase: "content-length:") {
      guard let length = parseDecimal(value, max: .max) else {
        state = .malformed
        return
      }
      if case .chunked = body { return }  // it overrides the length
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
    if !remaining.isEmpty { isReusable = false }  // the server sent bytes without a request
  }
}
