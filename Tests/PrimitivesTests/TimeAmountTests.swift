import Testing

@testable import Primitives

@Suite struct TimeAmountTests {
  @Test(arguments: [
    ("10s", 10_000), ("500ms", 500), ("1m30s", 90_000), ("7", 7000), ("0", 0), ("0s", 0), ("2h", 7_200_000),
    ("1h1ms", 3_600_001),
    ("8784h", 8784 * 3_600_000),
  ])
  func `a duration is parsed from units in falling order, or from bare seconds`(_ text: String, _ milliseconds: Int) {
    #expect(TimeAmount(text: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "s", "5x", "-1", "+1", "1.5s", " 1s", "1s ", "1 s", "30s1m", "1s1s", "1m30", "8785h", "99999999999999999999",
    "9999999999999999h",
    "1ms1s", "ms", "1smm", "٣s",
  ])
  func `a text that is not a duration, or is one over 8784h, is refused`(_ text: String) {
    #expect(TimeAmount(text: text) == nil)
  }

  @Test(arguments: ["10s", "500ms", "1m30s", "0s", "2h", "1h1ms", "29s500ms"])
  func `a parsed duration prints as it was written`(_ text: String) {
    #expect(TimeAmount(text: text)?.description == text)
  }

  @Test func `the part of a duration below a millisecond is not printed`() {
    #expect(TimeAmount(nanoseconds: 1_999_999).description == "1ms")
    #expect(TimeAmount(nanoseconds: -1_500_000_000).description == "-1s500ms")
  }
}
