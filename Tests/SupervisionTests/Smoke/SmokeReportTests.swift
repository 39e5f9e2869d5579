import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import Testing

@testable import Primitives
@testable import Smoke
@testable import Supervision

/// The report of a smoke run in each output format.
@Suite struct SmokeReportTests {
  private var bad: SmokeStory {
    var scenario = SmokeStory()
    scenario.processes = [process(7, "a#b<&\">\u{1b}\\\u{FFFE}", ignored: [.sigterm])]
    scenario.report = "ebb: event=exited killed=true delay_ms=5000 drain_ms=0 stop_ms=800"
    scenario.end = .exited(code: 137)
    scenario.change = {
      SmokeStory.failure("502", begun: 5000, ended: 5001)($0)
      SmokeStory.failure("refused", begun: 6000, ended: 6000)($0)
    }
    return scenario
  }

  private func text(_ scenario: SmokeStory, _ format: SmokeFormat) -> String {
    String(decoding: SmokeReport(scenario.facts).bytes(format), as: UTF8.self)
  }

  @Test func `the smoke report as text lists the checks, the failed requests and the counts`() throws {
    let lines = text(bad, .text).split(separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.count > 12)
    #expect(lines[0] == "pass  ready-in-time                    after 0.4s")
    #expect(lines[2].hasPrefix("FAIL  no-failed-requests-during-delay  2 of 4 failed, the first: 502 11:57:22: "))
    #expect(lines[4].hasPrefix("FAIL  stop-signal-handled              pid 7 `a#b<&\">\\u{1b}\\"))
    #expect(
      lines.dropFirst(12) == [
        "", "failed requests, UTC:", "502 11:57:22", "refused 11:57:23", "",
        "FAILED: 6 checks passed, 4 failed, 2 skipped", "",
      ])
    #expect(text(SmokeStory(), .text).hasSuffix("\n\npassed: 10 checks passed, 0 failed, 2 skipped\n"))
  }

  @Test func `the smoke report lists at most 20 failed requests and counts all`() {
    var scenario = SmokeStory()
    scenario.change = { fields in
      for moment in 0..<10_050 {
        fields.requestEnded("reset", began: .at(4000), isSlow: false, at: .at(4000), time: moment)
      }
    }
    let lines = text(scenario, .text).split(separator: "\n")
    #expect(lines.filter { $0 == "reset 00:00:00" }.count == 20)
    #expect(lines.contains("and 10030 more"))
    #expect(text(scenario, .json).contains(#""requests":{"total":10054,"failed":10050,"#))
  }

  @Test func `the smoke report as JSON has the checks, the requests and the exit`() throws {
    for (scenario, passed) in [(bad, false), (SmokeStory(), true)] {
      let text = text(scenario, .json)
      #expect(text.hasSuffix("}\n"))
      #expect(text.filter { $0 == "\n" }.count == 1)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(Set(object.keys) == ["passed", "checks", "requests", "exit"])
      #expect(object["passed"] as? Bool == passed)
      let checks = try #require(object["checks"] as? [[String: String]])
      #expect(checks.count == 12)
      #expect(checks.allSatisfy { Set($0.keys) == ["name", "result", "detail"] })
      let requests = try #require(object["requests"] as? [String: Any])
      #expect(requests["total"] as? Int == (passed ? 4 : 6))
      #expect(requests["failed"] as? Int == (passed ? 0 : 2))
      let exit = try #require(object["exit"] as? [String: Any])
      #expect(exit["code"] as? Int == (passed ? 0 : 137))
      #expect(exit["after_ms"] as? Int == 5800)
      let failures = try #require(requests["failures"] as? [[String: Any]])
      guard !passed else { continue }
      #expect(failures.first?["time"] as? String == "2026-01-31T11:57:22.001Z")
      #expect(failures.first?["reason"] as? String == "502")
      #expect(failures.map { $0["after_stop_ms"] as? Int } == [1601, 2600])
    }
    var scenario = SmokeStory()
    scenario.end = nil
    #expect(text(scenario, .json).hasSuffix(#""exit":{"code":null,"after_ms":null}}"# + "\n"))
  }

  @Test func `the smoke report as TAP escapes its details and marks skipped checks`() throws {
    let lines = text(bad, .tap).split(separator: "\n")
    try #require(lines.count == 2 + 12 + 2)
    #expect(lines[..<3] == ["TAP version 13", "1..12", "ok 1 - ready-in-time: after 0.4s"])
    #expect(lines[4].hasPrefix("not ok 3 - no-failed-requests-during-delay: 2 of 4 failed"))
    #expect(
      lines[5..<8] == ["# 502 11:57:22", "# refused 11:57:23", "ok 4 - slow-request-answered # SKIP no --slow"])
    #expect(lines[8].hasPrefix("not ok 5 - stop-signal-handled: pid 7 `a\\#b<&\">\\\\u{1b}\\\\"), "\(lines[8])")
  }

  @Test func `the smoke report as JUnit is well-formed XML with a test case per check`() {
    let xml = text(bad, .junit)
    #expect(
      xml.contains(
        #"<testsuite name="ebb smoke" tests="12" failures="4" errors="0" skipped="2" time="9.200">"#))
    #expect(xml.contains("502 11:57:22\nrefused 11:57:23\n</failure>"))
    #expect(xml.contains("a#b&lt;&amp;&quot;&gt;\\u{1b}\\?"))
    #expect(!xml.contains("\u{FFFE}"))
    let reader = Names()
    let parser = XMLParser(data: Data(xml.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(reader.names == SmokeReport(bad.facts).checks.map { $0.name })
  }

  @Test func `the progress line of ebb smoke shows the phase, the time and the requests`() {
    var scenario = SmokeStory()
    (scenario.isReady, scenario.isStopped) = (false, false)
    #expect(scenario.facts.progress(at: .at(300)) == "starting, 0.3s")
    scenario.isReady = true
    #expect(scenario.facts.progress(at: .at(1400)) == "serving, the stop signal in 2.0s; 4 requests, 0 failed")
    scenario.isStopped = true
    #expect(scenario.facts.progress(at: .at(4390)) == "delaying, +1.0s; 4 requests, 0 failed")
  }
}

/// Collects the names of the test cases of a JUnit report.
private final class Names: NSObject, XMLParserDelegate {
  var names: [String] = []

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    if element == "testcase" { names.append(attributes["name"] ?? "") }
  }
}
