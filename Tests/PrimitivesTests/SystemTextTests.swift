import Testing

@testable import Primitives

/// Bytes that are not UTF-8, kept in a String.
@Suite struct SystemTextTests {
  @Test(
    arguments: [
      [], Array("plain".utf8), Array("caf\u{e9} \u{1F600} \u{FFFF}".utf8), [0x63, 0xE9], [0xFF, 0xFE], [0xC0, 0x80],
      [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0x80, 0xBF, 0xC2],
      Array("\u{EF80}\u{EFFF}\u{EF7F}\u{F000}".utf8), [0xEE, 0xBE], [0xEE, 0xBE, 0x80, 0x80], [0xEE, 0xBF, 0xE9],
    ] as [[UInt8]])
  func `bytes that are not UTF-8 survive as a String`(_ bytes: [UInt8]) {
    #expect(String(systemBytes: bytes).systemBytes == bytes)
  }

  @Test func `random bytes survive as a String`() {
    var random = SystemRandomNumberGenerator()
    let interesting: [UInt8] = [0x41, 0x80, 0xBE, 0xBF, 0xC2, 0xE0, 0xE9, 0xED, 0xEE, 0xEF, 0xF0, 0xF4, 0xFF]
    for _ in 0..<20_000 {
      let bytes = (0..<8).map { _ in
        Bool.random(using: &random) ? .random(in: 1...255, using: &random) : interesting.randomElement(using: &random)!
      }
      #expect(String(systemBytes: bytes).systemBytes == bytes)
    }
  }

  @Test func `valid UTF-8 becomes the same String`() {
    for text in ["", "app", "caf\u{e9}", "\u{4e2d}\u{6587} \u{1F600}", "\u{FFFD}"] {
      #expect(String(systemBytes: Array(text.utf8)) == text)
    }
  }

  @Test func `a message shows one replacement character for each byte that is not UTF-8`() {
    #expect(String(systemBytes: Array("./caf".utf8) + [0xE9, 0xFF]).quoted == "\"./caf\u{FFFD}\u{FFFD}\"")
  }
}
