/// Where the empty line after a head ends. A line may end in a bare newline, RFC 9112 section 2.2.
package func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
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
package func isTokenCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "^")...UInt8(ascii: "z"): true  // ^ _ ` and the small letters
  case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"): true
  case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "|"), UInt8(ascii: "~"): true
  default: false
  }
}

extension Collection<UInt8> {
  /// Whether it begins with the ASCII text `prefix`, given in lower case, in any case.
  package func starts(withLowercase prefix: String) -> Bool {
    var bytes = makeIterator()
    for wanted in prefix.utf8 {
      guard let byte = bytes.next() else { return false }
      guard (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte + 32 : byte) == wanted else { return false }
    }
    return true
  }
}
