// The standard library's interpolation is inlined at each use and takes about 500 bytes each time. Calls of these
// functions produce the same text with less than half of the code.

extension DefaultStringInterpolation {
  @inline(never)
  package mutating func appendLiteral(_ text: String) { write(text) }

  @inline(never)
  package mutating func appendInterpolation(_ text: String) { write(text) }

  @inline(never)
  package mutating func appendInterpolation(_ number: Int) { write(number.description) }

  package mutating func appendInterpolation(_ number: Int32) { appendInterpolation(Int(number)) }
}

extension String {
  @inline(never)
  package static func += (left: inout String, right: String) { left.append(right) }

  @inline(never)
  package static func + (left: String, right: String) -> String {
    var text = left
    text.append(right)
    return text
  }
}
