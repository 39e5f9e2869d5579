import Foundation

/// One stream that a test reads: a pipe, or the controlling side of a terminal.
final class CapturedOutput {
  /// The end that the test reads; -1 after the end of file.
  private(set) var descriptor: Int32
  private(set) var text = ""
  private var bytes: [UInt8] = []
  /// How many of the complete lines `next` has gone past.
  private var consumed = 0

  /// - Parameter descriptor: Becomes this object's own.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  deinit { close() }

  func close() {
    if descriptor >= 0 { _ = Foundation.close(descriptor) }
    descriptor = -1
  }

  /// The complete lines so far.
  var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }

  /// Takes in whatever has arrived, without waiting.
  func read() {
    var chunk = [UInt8](repeating: 0, count: 65536)
    var arrived = false
    while descriptor >= 0 {
      let count = Foundation.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { break }
      // A terminal reports the end as EIO, once nobody has its other side open.
      if count <= 0 {
        close()
        break
      }
      bytes += chunk[..<count]
      arrived = true
    }
    // Without control characters: a terminal echoes Ctrl-C, and "\r\n" is one Character that does not match "\n".
    if arrived { text = String(decoding: bytes.filter { $0 >= 32 || $0 == 10 }, as: UTF8.self) }
  }

  /// The first line not yet gone past that starts with `prefix`.
  func next(_ prefix: String) -> String? {
    let all = lines
    guard let at = all.indices.dropFirst(consumed).first(where: { all[$0].hasPrefix(prefix) }) else { return nil }
    consumed = at + 1
    return all[at]
  }

  /// Goes past everything that has been read.
  func skip() { consumed = lines.count }
}

extension String {
  /// The value of `name=value` in a line of words.
  func field(_ name: String) throws -> String {
    for word in split(separator: " ") where word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
    throw Failure("no \(name)= in: \(self)")
  }

  /// The time behind `words`, as ebb tells it to a person: `3.8s`, `42s` or `1m21s`.
  func span(after words: String) throws -> Duration {
    let parts = components(separatedBy: words).dropFirst()
    guard let match = parts.first?.prefixMatch(of: /(?:([0-9]+)m)?([0-9]+)(?:\.([0-9]))?s/),
      let minutes = Int(match.1 ?? "0"), let seconds = Int(match.2), let tenths = Int(match.3 ?? "0")
    else { throw Failure("no time behind \"\(words)\" in: \(self)") }
    return .seconds(minutes * 60 + seconds) + .milliseconds(tenths * 100)
  }

  /// The whole number of `name=number` in a line of words.
  func number(_ name: String) throws -> Int32 {
    guard let number = Int32(try field(name)) else { throw Failure("no number \(name)= in: \(self)") }
    return number
  }
}
