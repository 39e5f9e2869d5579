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

  @Test func theTableOfOptionsIsThePrograms() throws {
    let parts = try readme().components(separatedBy: "-->\n")
    let printed = try #require(parts.first { $0.hasPrefix("| option |") }?.components(separatedBy: "<!--").first)
    #expect(printed == optionTable(), "README should hold:\n\(optionTable())")
  }

  private func optionTable() -> String {
    var text = "| option | default | meaning |\n|---|---|---|\n"
    for option in RunOptions.table {
      let short = option.shape.short.map { "`-\($0)`, " } ?? ""
      let value = option.shape.value.map { " \($0)" } ?? ""
      let meaning = option.shape.help + (option.shape.repeatable ? "; repeatable" : "")
      text +=
        "| \(short)`--\(option.shape.name)\(value.escapingBars)` | \(option.shape.standard ?? "") | \(meaning.escapingBars) |\n"
    }
    return text
  }
}

extension String {
  /// A bar would end the cell.
  fileprivate var escapingBars: String { replacingOccurrences(of: "|", with: "\\|") }
}
