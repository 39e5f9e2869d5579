import Primitives

/// A decoder for the chunked transfer coding, RFC 9112 section 7.1.
struct ChunkedBodyDecoder: Sendable {
  private(set) var isComplete = false
  private(set) var isMalformed = false
  private var place = Place.size(0, digits: 0)

  private enum Place {
    case size(Int, digits: Int)
    /// Between the size and the end of its line.
    case sizeLine(Int)
    /// The number of missing bytes, including the line end after the chunk.
    case data(Int)
    /// A line of the trailer; 0 if the line is empty so far.
    case trailer(Int)
  }

  /// Decodes the bytes of the body and returns those after its end.
  mutating func take(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var remaining = bytes
    while !isComplete, !isMalformed, let byte = remaining.first {
      if case .data(let missing) = place {
        let taken = min(missing, remaining.count)
        remaining = remaining.dropFirst(taken)
        place = missing == taken ? .size(0, digits: 0) : .data(missing - taken)
        continue
      }
      remaining = remaining.dropFirst()
      switch place {
      case .size(let size, let digits):
        // 15 digits exceed any machine's memory but fit into 64 bits.
        if let value = hexValue(byte), digits < 15 {
          place = .size(size << 4 | Int(value), digits: digits + 1)
        } else if digits == 0 || hexValue(byte) != nil {
          isMalformed = true
        } else {
          place = byte == UInt8(ascii: "\n") ? afterSize(size) : .sizeLine(size)
        }
      case .sizeLine(let size): if byte == UInt8(ascii: "\n") { place = afterSize(size) }
      case .trailer(let length):
        if byte == UInt8(ascii: "\n") {
          isComplete = length == 0
          place = .trailer(0)
        } else if byte != UInt8(ascii: "\r") {
          place = .trailer(1)
        }
      case .data: break
      }
    }
    return remaining
  }

  private func afterSize(_ size: Int) -> Place { size == 0 ? .trailer(0) : .data(size + 2) }
}
