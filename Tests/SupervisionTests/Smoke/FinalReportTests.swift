import Testing

@testable import Primitives
@testable import Smoke
@testable import Supervision

/// The final report that the lifecycle writes, parsed back.
@Suite struct FinalReportTests {
  /// The final report of a run whose command left a process behind.
  private func line(_ format: LogFormat) throws -> [UInt8] {
    var scenario = Scenario { $0.drain = .time }
    for (milliseconds, event) in [
      (1000, Event.signal(.sigterm)), (6000, .timer), (6700, .commandExited(.exited(code: 3))),
      (6700, .reapedAll(childrenRemain: true)), (6700, .children([ChildProcess(pid: 9, group: 9)])),
      (6800, .reapedAll(childrenRemain: false)),
    ] { scenario.at(milliseconds, event) }
    return try #require(scenario.records.last).line(format, unixMilliseconds: 0)
  }

  @Test(arguments: [LogFormat.text, .json])
  func `the final report of a run is parsed back, in text and in JSON`(_ format: LogFormat) throws {
    let report = try #require(FinalReport(try line(format)))
    #expect(report.span("delay_ms") == .seconds(5))
    #expect(report.span("stop_ms") == .milliseconds(700))
    #expect(report.span("drain_ms") == .zero)
    #expect(report.span("last_connection_ms") == nil)
    #expect(!report.flag("killed"))
    #expect(!report.flag("no such key"))
    #expect(report.text("delay_ended_by") == "time")
    #expect(report.text("leftovers") == "ended")
    #expect(report.text("signal") == nil)
    #expect(report.text("advice") == nil)
    #expect(report.text("msg") == "the command exited with 3")
  }

  @Test(arguments: [
    "", "\n", "ebb: fatal: cannot execute \"x\": no such file\n", #"{"event":"spawn-failed","msg":"event=exited"}"#,
    #"{"time":"x","event":"#, #"{"event":"exit"#, " event=", "event=exited",
  ])
  func `a line that is not a final report is refused`(_ text: String) { #expect(FinalReport(Array(text.utf8)) == nil) }

  @Test func `keys inside a message are not fields of the final report`() {
    let json = FinalReport(Array(#"{"event":"exited","advice":"\"killed\":true","killed":false,"msg":"\\"}"#.utf8))
    #expect(json?.flag("killed") == false)
    #expect(json?.text("msg") == #"\\"#)
    let text = FinalReport(Array(#"ebb: event=exited killed=false msg="a killed=true drain_ms=7 \"b\"""#.utf8))
    #expect(text?.flag("killed") == false)
    #expect(text?.text("msg") == #"a killed=true drain_ms=7 \"b\""#)
  }

  @Test func `a final report that is cut off keeps its last value`() {
    #expect(FinalReport(Array(#"{"event":"exited","msg":"a\"#.utf8))?.text("msg") == #"a\"#)
  }

  @Test func `a number in the final report that is not a duration is absent`() {
    let report = FinalReport(Array(#"{"event":"exited","a":99999999999999999999,"b":-1,"c":1e3,"d":12"#.utf8))
    #expect(report?.span("a") == nil)
    #expect(report?.span("b") == nil)
    #expect(report?.span("c") == nil)
    #expect(report?.span("d") == .milliseconds(12))
  }
}
