/// The number that the decimal digits say, or nil: empty, another character, a sign, or larger than `largest`.
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

/// What a hexadecimal digit stands for.
package func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// The number that up to sixteen hexadecimal digits say, or nil.
package func parseHexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
  guard 1...16 ~= digits.count else { return nil }
  var number: UInt64 = 0
  for digit in digits {
    guard let value = hexValue(digit) else { return nil }
    number = number << 4 | UInt64(value)
  }
  return number
}
