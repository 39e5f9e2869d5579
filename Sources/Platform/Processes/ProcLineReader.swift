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

  /// All that is left. proc_tid_children(5) is one line of any length, of which each read(2) gives some.
  func readAll() throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try readPiece()
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// Empty at the end.
  private func readPiece() throws(Errno) -> [UInt8] {
    var failure: Errno?
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
    return piece
  }

  /// Some hundred lines, without their ends. Returns whether there may be more.
  func read(_ body: (ArraySlice<UInt8>) -> Void) throws(Errno) -> Bool {
    for _ in 0..<8 {
      let end = rest.count
      let piece = try readPiece()
      guard !piece.isEmpty else {
        if !rest.isEmpty { body(rest[...]) }
        rest = []
        return false
      }
      rest.reserveCapacity(end + LineFile.piece)
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
