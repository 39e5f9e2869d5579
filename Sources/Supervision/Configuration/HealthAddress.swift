import Primitives

/// The address of `--health`: `[ADDR:]PORT`.
package enum HealthAddress: Sendable {
  /// All addresses, IPv6 and IPv4, or IPv4 alone if the kernel has no IPv6.
  case everywhere(port: UInt16)
  case at(SocketAddress)

  /// In host byte order.
  package var port: UInt16 {
    switch self {
    case .everywhere(let port): port
    case .at(let address): address.port
    }
  }

  /// Parses `8086`, `127.0.0.1:8086` or `[::1]:8086`. `nil` for anything else.
  init?(text: String) {
    let bytes = Array(text.utf8)
    if let port = parsePortNumber(bytes) {
      self = .everywhere(port: port)
      return
    }
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), let port = parsePortNumber(bytes[(colon + 1)...])
    else { return nil }
    var host = bytes[..<colon]
    let hasBrackets = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") && host.count > 2
    if hasBrackets { host = host.dropFirst().dropLast() }
    guard let address = IPAddress(text: host) else { return nil }
    // `::1:8086` is itself an address, so the port would be ambiguous.
    if case .v6 = address, !hasBrackets { return nil }
    if case .v4 = address, hasBrackets { return nil }
    self = .at(SocketAddress(address, port: port))
  }

  package func at(port: UInt16) -> HealthAddress {
    switch self {
    case .everywhere: .everywhere(port: port)
    case .at(let old): .at(SocketAddress(old.address, port: port))
    }
  }

  /// The format of the option.
  package var optionText: String {
    if case .everywhere(let port) = self { "\(port)" } else { description }
  }

  /// The addresses to try to listen on, in this order.
  package var candidates: [SocketAddress] {
    switch self {
    case .everywhere(let port): [SocketAddress(.v6(high: 0, low: 0), port: port), SocketAddress(.v4(0), port: port)]
    case .at(let address): [address]
    }
  }

  /// The format for messages: `port 8086`, or the address and the port.
  package var description: String {
    switch self {
    case .everywhere(let port): "port \(port)"
    case .at(let address): address.description
    }
  }
}
