/// The bytes of a GET request, for one answer or with the connection kept for more. `headers` are whole lines without
/// their ends, which `isHTTPHeader` has passed.
package func httpGet(_ url: HTTPURL, headers: [String] = [], keepAlive: Bool = false) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append("GET \(url.path) HTTP/1.1\r\n")
  let namesHost = headers.contains { $0.utf8.starts(withLowercase: "host:") }
  if !namesHost { bytes.append("Host: \(url.hostHeader)\r\n") }
  bytes.append("User-Agent: ebb/\(version)\r\nAccept: */*\r\n")
  if !keepAlive { bytes.append("Connection: close\r\n") }
  for header in headers { bytes.append(header + "\r\n") }
  bytes.append("\r\n")
  return bytes
}

/// Whether this is a header line that can be sent: `Name: value`, RFC 9110 section 5, and nothing that begins a line of
/// its own.
package func isHTTPHeader(_ line: String) -> Bool {
  guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon != line.utf8.startIndex else { return false }
  return line.utf8[..<colon].allSatisfy(isTokenCharacter)
    && line.utf8[colon...].allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
}

/// What the first bytes of an answer say.
package enum HTTPAnswer: Equatable, Sendable {
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
    var rest = bytes[...]
    while true {
      self = HTTPAnswer(statusLine: rest)
      guard case .status(..<200) = self else { return }
      guard let end = endOfHead(rest) else {
        self = .incomplete
        return
      }
      rest = rest[end...]
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
      let status = wholeNumber(bytes[(at + 9)..<(at + 12)], upTo: 599), status >= 100,
      end == UInt8(ascii: " ") || end == UInt8(ascii: "\r") || end == UInt8(ascii: "\n")
    else {
      self = .malformed
      return
    }
    self = .status(status)
  }
}

/// Where the empty line after a head ends. A line may end in a bare newline, RFC 9112 section 2.2.
func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
  var lineStart = bytes.startIndex
  for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
    let isEmpty = index == lineStart || (index == lineStart + 1 && bytes[lineStart] == UInt8(ascii: "\r"))
    // Empty lines before a head are not its end.
    if isEmpty, bytes[..<lineStart].contains(where: { $0 > 0x20 }) { return index + 1 }
    lineStart = index + 1
  }
  return nil
}

/// RFC 9110 section 5.6.2: what methods and names of headers are made of.
func isTokenCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "^")...UInt8(ascii: "z"): true  // ^ _ ` and the small letters
  case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
  case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "|"), UInt8(ascii: "~"): true
  default: false
  }
}
