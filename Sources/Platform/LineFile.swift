import CPlatform

/// A text file in /proc that may be long: read in pieces, and from the start again as often as one likes.
final class LineFile {
  private let descriptor: Int32
  private var rest: [UInt8] = []

  /// The kernel gives one page at a time.
  private static let piece = 4096
  private static let longestLine = 64 * 1024

  /// Throws ENOENT, EACCES, EMFILE, ….
  init(_ path: String) throws(Errno) {
    let opened = try valueOrErrno { ebb_open_existing(path, false) }
    do throws(Errno) {
      descriptor = try aboveStandardDescriptors(opened)
    } catch {
      close(opened)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// To the first line.
  func rewind() throws(Errno) {
    rest = []
    try valueOrErrno { lseek(descriptor, 0, SEEK_SET) }
  }

  /// Some hundred lines, without their ends. Returns whether there may be more.
  func read(_ body: (ArraySlice<UInt8>) -> Void) throws(Errno) -> Bool {
    for _ in 0..<8 {
      let end = rest.count
      var failure: Errno?
      rest.reserveCapacity(end + LineFile.piece)
      let piece = [UInt8](unsafeUninitializedCapacity: LineFile.piece) { buffer, count in
        count = 0
        guard let base = buffer.baseAddress else { return }
        do throws(Errno) {
          count = try valueOrErrno { CPlatform.read(descriptor, base, buffer.count) }
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      guard !piece.isEmpty else {
        if !rest.isEmpty { body(rest[...]) }
        rest = []
        return false
      }
      rest += piece
      var start = 0
      while let newline = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        body(rest[start..<newline])
        start = newline + 1
      }
      rest.removeFirst(start)
      guard rest.count < LineFile.longestLine else { throw Errno(code: EFBIG) }
    }
    return true
  }
}
