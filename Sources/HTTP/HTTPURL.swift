import Primitives

/// `http://HOST[:PORT][/PATH]`, where HOST is an IPv4 address, an IPv6 address in brackets, or `localhost`. ebb does
/// not use DNS: there may be no name server, and its response may be slow.
package struct HTTPURL: Sendable {
  /// The addresses in the order in which to try them: `localhost` is `::1`, then `127.0.0.1`.
  package let addresses: [SocketAddress]
  /// The path with the query, from the first slash on; `/` if the URL has none.
  package let path: String
  /// The host and port as given, for the request's `Host` header.
  package let hostHeader: String

  /// The accepted format, for error messages.
  package static let expectation =
    "http://HOST[:PORT][/PATH] with an IPv4 address, an IPv6 address in brackets or localhost as HOST"

  /// `nil` if the text does not match `expectation`. Non-ASCII bytes and those that end a request line must be
  /// percent-encoded.
  package init?(text: String) {
    let bytes = Array(text.utf8)
    guard bytes.starts(withLowercase: "http://"), bytes.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") })
    else { return nil }
    let remaining = bytes[7...]
    let pathStart = remaining.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? remaining.endIndex
    let authority = remaining[..<pathStart]
    guard let (hosts, port) = hostAndPort(authority) else { return nil }
    addresses = hosts.map { SocketAddress($0, port: port ?? 80) }
    hostHeader = String(decoding: authority, as: UTF8.self)
    let target = String(decoding: remaining[pathStart...], as: UTF8.self)
    path = target.hasBytePrefix("/") ? target : "/" + target
  }
}

/// Parses `HOST[:PORT]` of a URL. `nil` if either part is malformed.
private func hostAndPort(_ text: ArraySlice<UInt8>) -> (hosts: [IPAddress], port: UInt16?)? {
  let colon = UInt8(ascii: ":")
  let hosts: [IPAddress]
  let remaining: ArraySlice<UInt8>
  if text.first == UInt8(ascii: "[") {
    guard let close = text.firstIndex(of: UInt8(ascii: "]")),
      case .v6(let high, let low) = IPAddress(text: text[(text.startIndex + 1)..<close])
    else { return nil }
    hosts = [.v6(high: high, low: low)]
    remaining = text[(close + 1)...]
  } else {
    let name = text.prefix { $0 != colon }
    if name.count == 9, name.starts(withLowercase: "localhost") {
      hosts = [.loopback6, .loopback4]
    } else if let address = IPAddress(text: name) {
      hosts = [address]
    } else {
      return nil
    }
    remaining = text[name.endIndex...]
  }
  if remaining.isEmpty { return (hosts, nil) }
  guard remaining.first == colon, let port = parsePortNumber(remaining.dropFirst()) else { return nil }
  return (hosts, port)
}
