/// Parses decimal digits. `nil` if the text is empty, contains another character (also a sign), or exceeds `largest`.
package func parseDecimal(_ digits: some Collection<UInt8>, max largest: Int) -> Int? {
  guard !digits.isEmpty else { return nil }
  var number = 0
  for digit in digits {
    guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
    let (tens, tooLarge) = number.multipliedReportingOverflow(by: 10)
    let (sum, stillTooLarge) = tens.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
    guard !tooLarge, !stillTooLarge, sum <= largest else { return nil }
    number = sum
  }
  return number
}

/// Returns the value of a hexadecimal digit. `nil` for any other character.
package func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// Parses 1 to 16 hexadecimal digits. `nil` for anything else.
package func parseHexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
  guard 1...16 ~= digits.count else { return nil }
  var number: UInt64 = 0
  for digit in digits {
    guard let value = hexValue(digit) else { return nil }
    number = number << 4 | UInt64(value)
  }
  return number
}
