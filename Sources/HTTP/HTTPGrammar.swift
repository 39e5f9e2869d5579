/// Returns the index after the empty line that ends a head. A line may end in a bare newline, RFC 9112 section 2.2.
package func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
  var lineStart = bytes.startIndex
  for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
    let isEmpty = index == lineStart || (index == lineStart + 1 && bytes[lineStart] == UInt8(ascii: "\r"))
    // Empty lines before a head do not end it.
    if isEmpty, bytes[..<lineStart].contains(where: { $0 > 0x20 }) { return index + 1 }
    lineStart = index + 1
  }
  return nil
}

/// Whether a method or a header's name may contain this character, RFC 9110 section 5.6.2.
package func isTokenCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "^")...UInt8(ascii: "z"): true  // ^ _ ` and the lower-case letters
  case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
  case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "|"), UInt8(ascii: "~"): true
  default: false
  }
}

extension Collection<UInt8> {
  /// Whether it begins with the ASCII text `prefix`, ignoring case. `prefix` must be in lower case.
  package func starts(withLowercase prefix: String) -> Bool {
    var bytes = makeIterator()
    for wanted in prefix.utf8 {
      guard let byte = bytes.next() else { return false }
      guard (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte + 32 : byte) == wanted else { return false }
    }
    return true
  }
}
