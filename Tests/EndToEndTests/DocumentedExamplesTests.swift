import Foundation
import TestSupport
import Testing

/// Runs every `console` block of the documents and compares its output, except for numbers and process states.
@Suite(.serialized, .endsItsProcesses) struct DocumentedExamplesTests {
  /// One command and the output that its document shows.
  struct Example: Sendable, CustomTestStringConvertible {
    let command: String
    let output: [String]
    var testDescription: String { command }
  }

  /// Consecutive examples of one document. `pod` is the command of the container in which they run.
  struct Block: Sendable, CustomTestStringConvertible {
    let document: String
    let pod: String?
    let examples: [Example]
    var testDescription: String { examples.map(\.command).joined(separator: "; ") }
  }

  static let blocks: [Block] = Document.all.flatMap { document in
    let parts = document.text.components(separatedBy: "\n```console\n")
    return zip(parts, parts.dropFirst()).map { before, block in
      let last = before.split(separator: "\n").last ?? ""
      let pod = last.hasPrefix("<!-- pod: ") ? String(last.dropFirst(10).dropLast(4)) : nil
      return Block(document: document.path, pod: pod, examples: examples(block.components(separatedBy: "\n```")[0]))
    }
  }

  private static func examples(_ block: String) -> [Example] {
    ("\n" + block).components(separatedBy: "\n$ ").dropFirst().map {
      var lines = $0.components(separatedBy: "\n")
      return Example(command: lines.removeFirst(), output: lines)
    }
  }

  @Test func `the documents with console examples are exactly those expected`() {
    let names = Self.blocks.map { ($0.document as NSString).lastPathComponent }
    #expect(
      names == [
        "README.md", "Draining.md", "Lifecycle.md", "Options.md", "SmokeTesting.md", "StatusAndReport.md",
      ])
    #expect(Self.blocks.filter { $0.pod != nil }.count == 1)
  }

  @Test(arguments: blocks.filter { $0.pod == nil })
  func `a command of a document prints the output that the document shows`(block: Block) throws {
    for example in block.examples {
      // Another process may use port 8000 here.
      try check(example, shell(example.command.replacing("8000", with: "\(try Client.freePort())")))
    }
  }

  @Test(.needs(.pidNamespace), arguments: blocks.filter { $0.pod != nil })
  func `a command inside a pod prints the output that its document shows`(block: Block) throws {
    // sh -c "SCRIPT"; another process may use port 8080 here.
    let script = String(try #require(block.pod?.split(separator: "\"").last)).replacing("8080", with: "0")
    var setup = LaunchOptions.withTraffic
    setup.environment["KUBERNETES_SERVICE_HOST"] = "10.0.0.1"
    let pod = try Run.ebb([], ["sh", "-c", script], in: .pid1, setup)
    let first = try pod.firstChild()
    try pod.waitForPage(of: first)
    try pod.wait(for: "the app") {
      let words = [try Binaries.ebb(), "status", "--connections", "--json"]
      let connections =
        try CommandResult(try PIDNamespace.start(besides: first, words)).json()["connections"] as? [String: Any]
      return (connections?["ports"] as? [Int])?.isEmpty == false
    }
    for example in block.examples {
      let command = example.command.replacing("kubectl exec app -- /", with: "")
      try check(example, shell("nsenter -t \(first) -p -m \(command)"))
    }
    try pod.end()
  }

  private func shell(_ command: String) throws -> Run {
    let folder = URL(fileURLWithPath: try Binaries.ebb()).deletingLastPathComponent().path
    return try Run.program(["/bin/sh", "-c", "PATH=\(folder):$PATH; \(command)"], .withTraffic)
  }

  private func check(_ example: Example, _ run: Run) throws {
    _ = try run.exit()
    try run.readToEnd()
    let printed = run.out.text + run.err.text
    // Sorted, because standard output and error are two pipes here.
    #expect(plain(printed.split(separator: "\n")) == plain(example.output.filter { !$0.isEmpty }), "\(run)")
  }

  /// Removes what differs in each run: numbers, sizes, ages, process states, column widths, and the count of progress
  /// lines.
  private func plain(_ lines: [some StringProtocol]) -> [String] {
    let lines = lines.map { line in
      String(line)
        .replacing(/time=[0-9TZ:.-]+/, with: "TIME")
        .replacing(/[0-9.]+ ?(MiB|KiB|B)\b/, with: "SIZE")
        .replacing(/[0-9]+(\.[0-9]+)?(m?s|m|h)?\b/, with: "N")
        .replacing(/\b(N ?)+/, with: "N ")
        .replacing(/(sleeping|running|waiting)/, with: "STATE")
        .replacing(/\s+/, with: " ")
    }
    let isProgress = { (line: String) in line.hasPrefix("delay, ") || line.hasPrefix("draining, ") }
    return (lines.filter { !isProgress($0) } + Set(lines.filter(isProgress))).sorted()
  }
}
