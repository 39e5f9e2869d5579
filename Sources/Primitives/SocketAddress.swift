/// One end of a TCP connection, or the address of a listening socket.
package struct SocketAddress: Equatable, Sendable {
  package let address: IPAddress
  /// In host byte order.
  package let port: UInt16

  package init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// Parses a TCP port in decimal digits. `nil` outside 1 to 65535.
package func parsePortNumber(_ text: some Collection<UInt8>) -> UInt16? {
  guard let number = parseDecimal(text, max: Int(UInt16.max)), number > 0 else { return nil }
  return UInt16(number)
}

extension SocketAddress {
  /// `127.0.0.1:80`, or an IPv6 address in brackets, as eight groups without `::`.
  package var description: String {
    switch address {
    case .v4(let number):
      return "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255):\(port)"
    case .v6(let high, let low):
      var groups = ""
      for shift in [48, 32, 16, 0] { groups += hexadecimal(high >> UInt64(shift)) + ":" }
      for shift in [48, 32, 16, 0] { groups += hexadecimal(low >> UInt64(shift)) + (shift == 0 ? "" : ":") }
      return "[\(groups)]:\(port)"
    }
  }
}

private func hexadecimal(_ word: UInt64) -> String { String(UInt16(truncatingIfNeeded: word), radix: 16) }
