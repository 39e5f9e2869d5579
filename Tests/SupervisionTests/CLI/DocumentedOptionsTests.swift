import Foundation
import Testing

@testable import Primitives
@testable import Supervision

/// The tables in the articles equal those of the program.
@Suite struct DocumentedOptionsTests {
  private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized

  /// The text of an article.
  private func article(_ name: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent("Sources/ebb/ebb.docc/\(name).md"), encoding: .utf8)
  }

  /// The tables of an article that begin with the cells `start`.
  private func table(_ start: String, in name: String) throws -> [String] {
    try article(name).components(separatedBy: "-->\n").filter { $0.hasPrefix(start) }
      .map { $0.components(separatedBy: "<!--")[0] }
  }

  @Test func `the option tables of the articles equal the program's own`() throws {
    let run = optionTable(RunOptions.table.map { $0.spec })
    #expect(try table("| option |", in: "Options") == [run], "Options.md should hold:\n\(run)")
    let smoke = optionTable(SmokeOptions.table.map { $0.spec })
    #expect(try table("| option |", in: "SmokeTesting") == [smoke], "SmokeTesting.md should hold:\n\(smoke)")
  }

  /// An event is the word behind a log level, or the first argument of a warning.
  @Test func `the table of events lists each event of the sources and no other`() throws {
    let files = FileManager.default.enumerator(atPath: Self.root.path + "/Sources")?.compactMap { $0 as? String } ?? []
    var events: Set<String> = []
    for file in files where file.hasSuffix(".swift") {
      let source = try String(contentsOfFile: Self.root.path + "/Sources/" + file, encoding: .utf8)
      let levels = /\.(?:trace|debug|info|warning|error|fatal)[^"\n.]*,\s+"([a-z]+(?:-[a-z]+)*)"/
      for match in source.matches(of: levels) { events.insert(String(match.1)) }
      for match in source.matches(of: /(?:warn\(|logging: )\s*"([a-z]+(?:-[a-z]+)*)"/) {
        events.insert(String(match.1))
      }
      for match in source.matches(of: /log\(\s*[a-zA-Z]+(?: \? [^"]*)?,\s*"([a-z]+(?:-[a-z]+)*)"/) {
        events.insert(String(match.1))
      }
    }
    let rows = try #require(try table("| event |", in: "StatusAndReport").first).split(separator: "\n").dropFirst(2)
    let listed = Set(rows.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) })
    #expect(events.count > 30)
    #expect(listed == events, "missing: \(events.subtracting(listed)), too many: \(listed.subtracting(events))")
  }

  @Test func `the times in the load balancer table follow from the options beside them`() throws {
    let table = try #require(try table("| in front |", in: "LoadBalancers").first)
    let rows = table.split(separator: "\n").dropFirst(2).map { row in
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
      let times = try runOptions([], variables: variables).times
      let left = times.killIn - times.delay - times.drainTimeout
      let shown = [times.delay, times.drainTimeout, left, times.killMargin, times.terminationGracePeriod].map { span in
        span.milliseconds % 1000 == 0 ? "\(span.milliseconds / 1000)s" : span.approximate
      }
      #expect(shown == Array(row[2...]))
    }
  }

  @Test func `the server table of the recipes equals the program's own`() throws {
    var expected = "| command | SIGTERM | graceful stop | use | in the foreground |\n|---|---|---|---|---|\n"
    for server in KnownServer.allCases {
      let traits = server.traits
      let names = KnownServer.processNames.filter { $0.1 == server }.map { "`\($0.0)`" }.joined(separator: ", ")
      let meaning = ["fast stop", "waits for every client", "reloads, does not exit"]
      let meanings: [KnownServer.OnTerminate] = [.fastStop, .waitsForClients, .reloads]
      let onTerminate = meaning[try #require(meanings.firstIndex(of: traits.onTerminate))]
      let needs = traits.needs.map { traits.gracefulStop == nil ? ", \($0)" : ", and \($0)" } ?? ""
      expected += "| \(names) | \(onTerminate) | \(traits.gracefulStop?.name ?? "none") | "
      expected += "`--rewrite TERM:\(server.rewriteTo.name)`\(needs) | `\(traits.foreground)` |\n"
    }
    #expect(try table("| command | SIGTERM |", in: "Recipes") == [expected], "Recipes.md should hold:\n\(expected)")
  }

  private func optionTable(_ options: [OptionSpec]) -> String {
    var text = "| option | default | meaning |\n|---|---|---|\n"
    for option in options {
      let short = option.short.map { "`-\($0)`, " } ?? ""
      let value = option.value.map { " \($0)" } ?? ""
      let meaning = option.help + (option.repeatable ? "; repeatable" : "")
      text +=
        "| \(short)`--\(option.name)\(value.escapingBars)` | \(option.defaultText ?? "") | \(meaning.escapingBars) |\n"
    }
    return text
  }
}

extension String {
  /// The text with its bars escaped, because a bar ends a cell.
  fileprivate var escapingBars: String { replacingOccurrences(of: "|", with: "\\|") }
}
