import Glibc

/// One stream that a test reads: a pipe, or the controlling side of a terminal.
package final class CapturedOutput {
  /// The end that the test reads; -1 after the end of file.
  package private(set) var descriptor: Int32
  /// The complete lines so far, without control characters: a terminal echoes Ctrl-C, and "\r\n" is one Character that
  /// does not match "\n".
  package private(set) var lines: [String] = []
  /// The bytes after the last complete line.
  private var rest: [UInt8] = []
  /// How many of the lines `next` has returned or skipped.
  private var consumed = 0

  /// - Parameter descriptor: Closed by this object.
  package init(_ descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  deinit { close() }

  package func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  /// All that has been read, including an incomplete last line.
  package var text: String { lines.map { $0 + "\n" }.joined() + String(decoding: rest, as: UTF8.self) }

  /// Reads all bytes that have arrived, without waiting.
  package func read() {
    var chunk = [UInt8](repeating: 0, count: 65536)
    while descriptor >= 0 {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { return }
      // A terminal reports the end as EIO, once its other side is closed everywhere.
      if count <= 0 { return close() }
      for byte in chunk[..<count] {
        if byte == UInt8(ascii: "\n") {
          lines.append(String(decoding: rest, as: UTF8.self))
          rest = []
        } else if byte >= 32 || byte == UInt8(ascii: "\t") {
          rest.append(byte)
        }
      }
    }
  }

  /// Returns the next line with this prefix and skips those before it, or `nil` if no such line has been read.
  package func next(_ prefix: String) -> String? {
    guard let at = lines[consumed...].firstIndex(where: { $0.hasPrefix(prefix) }) else { return nil }
    consumed = at + 1
    return lines[at]
  }

  /// Returns the next line with this prefix, or `nil` if none arrives within this time or before the end of file.
  package func next(_ prefix: String = "", within milliseconds: Int32) -> String? {
    let end = now() + Int64(milliseconds) * 1_000_000
    while true {
      if let line = next(prefix) { return line }
      let left = Int32(max(0, end - now()) / 1_000_000)
      guard descriptor >= 0, isReady(descriptor, within: left) else { return nil }
      read()
    }
  }
}
