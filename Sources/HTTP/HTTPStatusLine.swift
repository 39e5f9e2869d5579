import Primitives

/// The status line of an HTTP/1 response.
package enum HTTPStatusLine: Equatable, Sendable {
  /// The status has not arrived completely.
  case incomplete
  /// The bytes are not HTTP/1.
  case malformed
  /// 200 to 599.
  case status(Int)

  /// Whether a probe counts the response as success: 2xx or 3xx, as the kubelet does.
  package var isGood: Bool {
    if case .status(200..<400) = self { true } else { false }
  }

  /// The maximum number of bytes to read. A valid status arrives long before, and a response may be an endless stream.
  package static let limit = 4096

  /// Parses the status line, RFC 9112 section 4. Interim responses (100, 103) before it are skipped.
  package init(_ bytes: [UInt8]) {
    var remaining = bytes[...]
    while true {
      self = HTTPStatusLine(statusLine: remaining)
      guard case .status(..<200) = self else { return }
      guard let end = endOfHead(remaining) else {
        self = .incomplete
        return
      }
      remaining = remaining[end...]
    }
  }

  init(statusLine bytes: ArraySlice<UInt8>) {
    let start = "HTTP/1."
    guard bytes.prefix(start.utf8.count).elementsEqual(start.utf8.prefix(bytes.count)) else {
      self = .malformed
      return
    }
    // `HTTP/1.1 200` and the byte that ends the number.
    guard bytes.count > 12 else {
      self = .incomplete
      return
    }
    let at = bytes.startIndex
    let end = bytes[at + 12]
    guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[at + 7], bytes[at + 8] == UInt8(ascii: " "),
      let status = parseDecimal(bytes[(at + 9)..<(at + 12)], max: 599), status >= 100,
      end == UInt8(ascii: " ") || end == UInt8(ascii: "\r") || end == UInt8(ascii: "\n")
    else {
      self = .malformed
      return
    }
    self = .status(status)
  }
}
