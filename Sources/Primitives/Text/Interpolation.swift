// The standard library's interpolation is inlined at each use, which is half a kilobyte a piece. These are called
// instead: the same text in less than half of the code.

extension DefaultStringInterpolation {
  /// What stands between the values.
  @inline(never)
  package mutating func appendLiteral(_ text: String) { write(text) }

  @inline(never)
  package mutating func appendInterpolation(_ text: String) { write(text) }

  /// A number in decimal digits.
  @inline(never)
  package mutating func appendInterpolation(_ number: Int) { write(number.description) }

  /// A number in decimal digits.
  package mutating func appendInterpolation(_ number: Int32) { appendInterpolation(Int(number)) }
}

extension String {
  /// Puts a text behind this one.
  @inline(never)
  package static func += (left: inout String, right: String) { left.append(right) }

  /// One text behind the other.
  @inline(never)
  package static func + (left: String, right: String) -> String {
    var text = left
    text.append(right)
    return text
  }
}
