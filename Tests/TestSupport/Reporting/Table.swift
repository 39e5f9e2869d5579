/// Lines of cells under a header.
package struct Table {
  package let header: [String]
  package var lines: [[String]]
  /// The number of columns of text, which are aligned to the left.
  private let leading: Int

  /// - Parameters:
  ///   - header: One title for each column.
  ///   - leading: The number of columns of text.
  ///   - lines: The rows, each with one cell for each column.
  package init(_ header: [String], leading: Int = 1, _ lines: [[String]] = []) {
    (self.header, self.leading, self.lines) = (header, leading, lines)
  }

  /// Formats the table as Markdown or for a terminal.
  package func text(markdown: Bool) -> String { markdown ? markdownText : plainText }

  private var markdownText: String {
    let rule = header.indices.map { $0 < leading ? "---" : "---:" }
    return ([header, rule] + lines).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }

  private var plainText: String {
    let all = [header] + lines
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { line in
      let cells = line.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - line[column].count)
        return column < leading ? line[column] + padding : padding + line[column]
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}

/// A threshold of the project and the measured result.
package struct Threshold: Sendable {
  package let title: String
  package let measured: String
  package let reached: Bool

  package init(_ title: String, measured: String, _ reached: Bool) {
    (self.title, self.measured, self.reached) = (title, measured, reached)
  }

  /// The result as one line.
  package var text: String { "bar: \(title): measured \(measured): \(reached ? "ok" : "MISSED")\n" }
}
