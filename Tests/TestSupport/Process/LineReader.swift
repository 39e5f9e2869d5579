import Glibc

/// The lines that come out of a pipe, as they come.
package final class LineReader {
  private let descriptor: Int32
  private var bytes: [UInt8] = []
  /// Whether nobody can write any more, and all has been read.
  package private(set) var isAtEnd = false

  /// Closes the descriptor in the end.
  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The next line, without its end; nil where none has come in time or none will come.
  package func next(within milliseconds: Int32) -> String? {
    let end = now() + Int64(milliseconds) * 1_000_000
    while true {
      if let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeFirst(newline + 1) }
        return String(decoding: bytes[..<newline], as: UTF8.self)
      }
      let left = Int32(max(0, end - now()) / 1_000_000)
      guard !isAtEnd, waitReadable(descriptor, milliseconds: left) else { return nil }
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { isAtEnd = true }
      bytes += buffer[..<max(0, count)]
    }
  }
}
