import Foundation
import Testing

@testable import Supervision

/// README and the program's own tables say the same.
@Suite struct ReadmeTests {
  private func readme() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
  }

  @Test func theTablesOfOptionsAreThePrograms() throws {
    let parts = try readme().components(separatedBy: "-->\n").filter { $0.hasPrefix("| option |") }
    let printed = parts.map { $0.components(separatedBy: "<!--")[0] }
    let tables = [
      optionTable(RunOptions.table.map { $0.shape }), optionTable(SmokeOptions.table.map { $0.shape }),
    ]
    #expect(printed == tables, "README should hold:\n\(tables.joined(separator: "\n"))")
  }

  private func optionTable(_ options: [OptionShape]) -> String {
    var text = "| option | default | meaning |\n|---|---|---|\n"
    for option in options {
      let short = option.short.map { "`-\($0)`, " } ?? ""
      let value = option.value.map { " \($0)" } ?? ""
      let meaning = option.help + (option.repeatable ? "; repeatable" : "")
      text +=
        "| \(short)`--\(option.name)\(value.escapingBars)` | \(option.standard ?? "") | \(meaning.escapingBars) |\n"
    }
    return text
  }
}

extension String {
  /// A bar would end the cell.
  fileprivate var escapingBars: String { replacingOccurrences(of: "|", with: "\\|") }
}
