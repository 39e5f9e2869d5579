import Primitives

/// The bytes of a GET request, for one answer or with the connection kept for more. `headers` are whole lines without
/// their ends, which `isHTTPHeader` has passed.
package func httpGet(_ url: HTTPURL, headers: [String] = [], keepAlive: Bool = false) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append("GET \(url.path) HTTP/1.1\r\n")
  let namesHost = headers.contains { $0.utf8.starts(withLowercase: "host:") }
  if !namesHost { bytes.append("Host: \(url.hostHeader)\r\n") }
  bytes.append("User-Agent: ebb/\(ebbVersion)\r\nAccept: */*\r\n")
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
