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

  @Test func `the times of each load balancer are those of the options beside them`() throws {
    let table = try readme().components(separatedBy: "<!-- times:")[1].components(separatedBy: "<!--")[0]
    let rows = table.split(separator: "\n").dropFirst(3).map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(rows.count == 6)
    for row in rows {
      var variables: [String: String] = [:]
      for setting in row[1].split(separator: " ") where setting.contains("=") {
        let parts = setting.replacingOccurrences(of: "`", with: "").split(separator: "=")
        variables[String(parts[0])] = String(parts[1])
      }
      if row[1].contains("Kubernetes") { variables["KUBERNETES_SERVICE_HOST"] = "10.0.0.1" }
      guard case .run(let options, _) = try parse(words: ["app"], variable: { variables[$0] }) else { return }
      let times = options.times
      let left = times.killIn - times.delay - times.drainTimeout
      let shown = [times.delay, times.drainTimeout, left, times.killMargin, times.terminationGracePeriod].map { span in
        span.milliseconds % 1000 == 0 ? "\(span.milliseconds / 1000)s" : span.rough
      }
      #expect(shown == Array(row[2...]))
    }
  }

  @Test func `the table of servers is the program's`() throws {
    var table = "| command | SIGTERM | graceful stop | use | in the foreground |\n|---|---|---|---|---|\n"
    for server in KnownServer.allCases {
      let facts = server.facts
      let names = KnownServer.processNames.filter { $0.1 == server }.map { "`\($0.0)`" }.joined(separator: ", ")
      let meaning = ["fast stop", "waits for every client", "reloads, does not exit"]
      let meanings: [KnownServer.OnTerminate] = [.fastStop, .waitsForClients, .reloads]
      let onTerminate = meaning[try #require(meanings.firstIndex(of: facts.onTerminate))]
      let needs = facts.needs.map { facts.gracefulStop == nil ? ", \($0)" : ", and \($0)" } ?? ""
      table += "| \(names) | \(onTerminate) | \(facts.gracefulStop?.name ?? "none") | "
      table += "`--rewrite TERM:\(server.rewriteTo.name)`\(needs) | `\(facts.foreground)` |\n"
    }
    let parts = try readme().components(separatedBy: "-->\n").filter { $0.hasPrefix("| command | SIGTERM |") }
    #expect(parts.map { $0.components(separatedBy: "<!--")[0] } == [table], "README should hold:\n\(table)")
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
