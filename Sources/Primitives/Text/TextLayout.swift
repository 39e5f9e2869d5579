/// Formats a number in decimal, padded with leading zeros to `width` digits.
package func zeroPadded(_ number: Int, _ width: Int) -> String {
  let text = "\(number)"
  return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}

/// Aligns a table's cells: the columns in `numbers` to the right, all others to the left.
package func alignedColumns(_ rows: [[String]], numbers: [Int]) -> String {
  let widths = (0..<rows[0].count).map { column in rows.reduce(0) { max($0, $1[column].utf8.count) } }
  var text = ""
  for row in rows {
    for (column, cell) in row.enumerated() {
      let space = String(repeating: " ", count: widths[column] - cell.utf8.count)
      text += column == row.count - 1 ? cell : (numbers.contains(column) ? space + cell : cell + space) + "  "
    }
    text += "\n"
  }
  return text
}

extension Int {
  /// A number of bytes as `50.1 MiB`.
  package var asMemory: String {
    if self < 1 << 20 { return "\(self >> 10) KiB" }
    let (tenths, unit) = self < 1 << 30 ? (((self >> 10) * 10) >> 10, "MiB") : (((self >> 20) * 10) >> 10, "GiB")
    return "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}

extension [String] {
  package var joinedBySpaces: String {
    var text = ""
    for word in self { text += text.utf8.isEmpty ? word : " " + word }
    return text
  }
}

extension String {
  /// Pads the text with spaces to `width` bytes.
  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - utf8.count))
  }
}
