import Foundation
import Testing

/// A document of the project, whose examples the tests run.
struct Document: Sendable, CustomTestStringConvertible {
  /// The path relative to the top of the project.
  let path: String
  let text: String
  var testDescription: String { path }

  static let all = paths.map { path in
    Document(path: path, text: (try? String(contentsOfFile: root + path, encoding: .utf8)) ?? "")
  }

  static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../").standardized.path + "/"

  private static let paths =
    ["README.md"]
    + [
      "Architecture", "Draining", "Lifecycle", "LoadBalancers", "Migrating", "Options", "OtherInits", "Probes",
      "Recipes", "SmokeTesting", "StatusAndReport", "Troubleshooting", "ebb",
    ].map { "Sources/ebb/ebb.docc/\($0).md" }
    + ["README.md", "Benchmarks/README.md", "FaultInjection/README.md", "RollingUpdate/README.md"].map { "Tests/\($0)" }

  /// The anchors that GitHub derives from the headings.
  var anchors: Set<String> {
    Set(
      text.components(separatedBy: "\n").filter { $0.hasPrefix("#") }.map { line in
        let title = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
        return String(
          title.map { $0 == " " ? "-" : $0 }.filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
      })
  }
}
