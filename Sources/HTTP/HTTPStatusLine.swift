import Primitives

/// What the first bytes of an answer say.
package enum HTTPStatusLine: Equatable, Sendable {
  /// The status has not been received as a whole.
  case incomplete
  /// Not HTTP/1.
  case malformed
  /// 200 to 599.
  case status(Int)

  /// Whether a probe takes it for a yes: 2xx or 3xx, as the kubelet does.
  package var isGood: Bool {
    if case .status(200..<400) = self { true } else { false }
  }

  /// The bytes of an answer that are looked at: an honest status comes long before, and a stream without end is no
  /// reason to read on.
  package static let limit = 4096

  /// Reads the status line, RFC 9112 section 4; interim answers (100, 103) before it are skipped.
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
    // `HTTP/1.1 200` and one byte that says that the number is over.
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
