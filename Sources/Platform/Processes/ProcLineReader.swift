import CPlatform

/// A long text file in /proc, read in pieces, any number of times.
final class ProcLineReader {
  private let descriptor: Int32
  private var remaining: [UInt8] = []

  /// The kernel returns one page at a time.
  private static let piece = 4096
  private static let maxLineLength = 64 * 1024

  /// Throws ENOENT, EACCES, EMFILE.
  init(_ path: String) throws(Errno) {
    descriptor = try movedAboveStandardStreams(try valueOrErrno { ebb_open_existing(path, false) })
  }

  deinit { close(descriptor) }

  /// Returns to the first line. Throws as lseek(2).
  func rewind() throws(Errno) {
    remaining = []
    try valueOrErrno { lseek(descriptor, 0, SEEK_SET) }
  }

  /// Returns the rest. proc_tid_children(5) is one line of any length, returned in parts. Throws as read(2).
  func readAll() throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try readPiece()
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// Returns an empty piece at the end. Throws as read(2).
  private func readPiece() throws(Errno) -> [UInt8] {
    try readArray(upTo: ProcLineReader.piece) { CPlatform.read(descriptor, $0, ProcLineReader.piece) }
  }

  /// Passes some lines, without line ends, to `body`. Returns whether more may follow. Throws as read(2), or EFBIG.
  func read(_ body: (ArraySlice<UInt8>) -> Void) throws(Errno) -> Bool {
    for _ in 0..<8 {
      let end = remaining.count
      let piece = try readPiece()
      guard !piece.isEmpty else {
        if !remaining.isEmpty { body(remaining[...]) }
        remaining = []
        return false
      }
      remaining.reserveCapacity(end + ProcLineReader.piece)
      remaining += piece
      var start = 0
      while let newline = remaining[start...].firstIndex(of: UInt8(ascii: "\n")) {
        body(remaining[start..<newline])
        start = newline + 1
      }
      remaining.removeFirst(start)
      guard remaining.count < ProcLineReader.maxLineLength else { throw Errno(code: EFBIG) }
    }
    return true
  }
}
