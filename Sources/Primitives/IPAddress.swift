package enum IPAddress: Equatable, Sendable {
  /// In host byte order: 127.0.0.1 is 0x7F00_0001.
  case v4(UInt32)
  /// The first and the last eight bytes, in host byte order.
  case v6(high: UInt64, low: UInt64)

  /// 127.0.0.1
  package static let loopback4 = IPAddress.v4(0x7F00_0001)
  /// ::1
  package static let loopback6 = IPAddress.v6(high: 0, low: 1)

  /// Parses `127.0.0.1` or `::1`, without brackets. `nil` for anything else, also with a zone (`%eth0`).
  package init?(text: some Collection<UInt8>) {
    if let address = version4(text) {
      self = .v4(address)
    } else if let address = version6(text) {
      self = .v6(high: address.high, low: address.low)
    } else {
      return nil
    }
  }
}

/// Parses four decimal numbers. Rejects the other forms of inet_aton(3): programs disagree on `127.1` and `0177.0.0.1`.
private func version4(_ text: some Collection<UInt8>) -> UInt32? {
  let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  guard parts.count == 4 else { return nil }
  var address: UInt32 = 0
  for part in parts {
    guard let number = parseDecimal(part, max: 255), part.count == 1 || part.first != UInt8(ascii: "0")
    else { return nil }
    address = address << 8 | UInt32(number)
  }
  return address
}

/// Parses RFC 4291 section 2.2: eight groups of hexadecimal digits, one `::` for zeros, optionally IPv4 at the end.
private func version6(_ text: some Collection<UInt8>) -> (high: UInt64, low: UInt64)? {
  // The longest valid form has 45 bytes.
  guard 2...45 ~= text.count else { return nil }
  let bytes = Array(text)
  let colon = UInt8(ascii: ":")
  if let gap = (0..<bytes.count - 1).first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon }) {
    guard let left = groups(bytes[..<gap], mayEndInVersion4: false),
      let right = groups(bytes[(gap + 2)...], mayEndInVersion4: true), left.count + right.count < 8
    else { return nil }
    return words(left + [UInt16](repeating: 0, count: 8 - left.count - right.count) + right)
  }
  guard let all = groups(bytes[...], mayEndInVersion4: true), all.count == 8 else { return nil }
  return words(all)
}

private func groups(_ text: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> [UInt16]? {
  if text.isEmpty { return [] }
  var groups: [UInt16] = []
  let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  for (index, part) in parts.enumerated() {
    if mayEndInVersion4, index == parts.count - 1, let address = version4(part) {
      groups += [UInt16(address >> 16), UInt16(address & 0xFFFF)]
      continue
    }
    guard part.count <= 4, let group = parseHexadecimal(part) else { return nil }
    groups.append(UInt16(group))
  }
  return groups
}

private func words(_ groups: [UInt16]) -> (high: UInt64, low: UInt64) {
  func word(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
  return (word(groups[..<4]), word(groups[4...]))
}

extension IPAddress {
  /// 127.0.0.0/8
  package var isLoopback4: Bool {
    if case .v4(let address) = self { address >> 24 == 127 } else { false }
  }

  /// Makes an address from the kernel's two halves. An IPv4-mapped address (RFC 4291 section 2.5.5.2) becomes IPv4.
  package init(high: UInt64, low: UInt64) {
    self = high == 0 && low >> 32 == 0xFFFF ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low)
  }
}
