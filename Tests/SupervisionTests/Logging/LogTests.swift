import Testing

@testable import Primitives
@testable import Supervision

@Suite struct LogTests {
  private let record = LogRecord(
    .info, "stopping",
    [
      ("signal", .text("TERM")), ("in_ms", .number(5)), ("killed", .flag(false)), ("why", .null),
      ("name", .text("a \"b\"\n\u{7F}=")),
      ("in_flight", .object([.init("at_stop", .number(3)), .init("at_kill", .null)])),
    ], "all is well")

  @Test func `a log record in logfmt quotes values where needed and leaves absent ones out`() {
    #expect(
      String(decoding: record.line(.text, unixMilliseconds: 1_769_860_800_123), as: UTF8.self)
        == "ebb: time=2026-01-31T12:00:00.123Z level=info event=stopping signal=TERM in_ms=5 killed=false "
        + "name=\"a \\\"b\\\"\\n\\u007f=\" in_flight.at_stop=3 msg=\"all is well\"\n")
  }

  @Test(arguments: [
    ("a/b:c,1", "a/b:c,1"), ("", #""""#), ("a b", #""a b""#), ("a=b", #""a=b""#), (#"a"b"#, #""a\"b""#),
    (#"a\b"#, #""a\\b""#), ("é", #""é""#),
  ])
  func `a value in logfmt is quoted if it is empty or has a blank, =, a quote, a backslash or no ASCII`(
    _ value: String, _ shown: String
  ) {
    let line = LogRecord(.info, "a", [("key", .text(value))], "b").line(.text, unixMilliseconds: 0)
    #expect(String(decoding: line, as: UTF8.self).hasSuffix(" event=a key=\(shown) msg=b\n"))
  }

  @Test func `a log record in JSON escapes strings and keeps absent values as null`() {
    #expect(
      String(decoding: record.line(.json, unixMilliseconds: 0), as: UTF8.self)
        == "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"event\":\"stopping\",\"signal\":\"TERM\",\"in_ms\":5,"
        + "\"killed\":false,\"why\":null,\"name\":\"a \\\"b\\\"\\n\\u007f=\",\"in_flight\":{\"at_stop\":3,\"at_kill\":null},"
        + "\"msg\":\"all is well\"}\n")
  }

  @Test func `a fatal log record in text is its message alone`() {
    let fatal = LogRecord(.fatal, "spawn-failed", [("code", .number(127))], "cannot execute \"app\": no such file")
    #expect(fatal.line(.text, unixMilliseconds: 0) == Array("ebb: fatal: cannot execute \"app\": no such file\n".utf8))
    #expect(String(decoding: fatal.line(.json, unixMilliseconds: 0), as: UTF8.self).contains("\"level\":\"fatal\""))
  }

  @Test func `each step of verbosity shows one more log level`() {
    let shown = { (verbosity: Int) in
      [LogLevel.fatal, .error, .warning, .info, .debug, .trace].filter { $0.isShown(at: verbosity) }.map(\.name)
    }
    #expect(shown(-1) == ["fatal", "error", "warning"])
    #expect(shown(0) == ["fatal", "error", "warning", "info"])
    #expect(shown(1) == ["fatal", "error", "warning", "info", "debug"])
    #expect(shown(2) == ["fatal", "error", "warning", "info", "debug", "trace"])
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
    (1_709_251_200_000, "2024-03-01T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    (1_798_761_599_001, "2026-12-31T23:59:59.001Z"), (-5, "1970-01-01T00:00:00.000Z"),
  ])
  func `a time of day is printed in UTC with milliseconds, leap days included`(_ milliseconds: Int, _ text: String) {
    #expect(utcTimestamp(unixMilliseconds: milliseconds) == text)
  }
}
