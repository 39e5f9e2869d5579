import Primitives

extension HTTPURL {
  /// Encodes a GET request, which closes the connection after the response unless `keepAlive` is true. `headers` are
  /// lines without line ends, already checked by `isHTTPHeader`.
  package func getRequest(headers: [String] = [], keepAlive: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append("GET \(path) HTTP/1.1\r\n")
    let namesHost = headers.contains { $0.utf8.starts(withLowercase: "host:") }
    if !namesHost { bytes.append("Host: \(hostHeader)\r\n") }
    bytes.append("User-Agent: ebb/\(ebbVersion)\r\nAccept: */*\r\n")
    if !keepAlive { bytes.append("Connection: close\r\n") }
    for header in headers { bytes.append(header + "\r\n") }
    bytes.append("\r\n")
    return bytes
  }
}

/// Whether the line is a valid header, `Name: value`, RFC 9110 section 5. A line end in it would start another header.
package func isHTTPHeader(_ line: some Collection<UInt8>) -> Bool {
  guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon != line.startIndex else { return false }
  return line[..<colon].allSatisfy(isTokenCharacter)
    && line[colon...].allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
}
