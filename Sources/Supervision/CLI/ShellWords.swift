/// Splits a command line into words at whitespace, without a shell. `nil` if a quote stays open or a backslash is last.
///
/// `'…'` is literal. In `"…"` a backslash escapes `"` and `\` and is literal before any other byte. Outside quotes a
/// backslash escapes the next byte. Variables, `~` and `*` are not expanded: use `sh -c '…'` for them.
func splitShellWords(_ line: String) -> [String]? {
  var words: [String] = []
  var word: [UInt8]?  // `nil` between words; empty after `''`
  var quote: UInt8?
  var bytes = line.utf8.makeIterator()
  while let byte = bytes.next() {
    switch (byte, quote) {
    case (UInt8(ascii: "\\"), nil):
      guard let next = bytes.next() else { return nil }
      word = (word ?? []) + [next]
    case (UInt8(ascii: "\\"), UInt8(ascii: "\"")):
      guard let next = bytes.next() else { return nil }
      let isEscape = next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
      word = (word ?? []) + (isEscape ? [next] : [byte, next])
    case (UInt8(ascii: "'"), nil), (UInt8(ascii: "\""), nil):
      quote = byte
      word = word ?? []
    case (_, let open?):
      if byte == open { quote = nil } else { word = (word ?? []) + [byte] }
    case (UInt8(ascii: " "), nil), (UInt8(ascii: "\t"), nil), (UInt8(ascii: "\n"), nil):
      if let ended = word { words.append(String(decoding: ended, as: UTF8.self)) }
      word = nil
    default: word = (word ?? []) + [byte]
    }
  }
  guard quote == nil else { return nil }
  if let ended = word { words.append(String(decoding: ended, as: UTF8.self)) }
  return words
}
