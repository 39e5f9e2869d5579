import Primitives

/// The chunked transfer coding, RFC 9112 section 7.1.
struct ChunkedBodyDecoder: Sendable {
  private(set) var isComplete = false
  private(set) var isMalformed = false
  private var place = Place.size(0, digits: 0)

  private enum Place {
    case size(Int, digits: Int)
    /// Behind the size, up to the end of the line.
    case sizeLine(Int)
    /// With the line end that closes it.
    case data(Int)
    /// The rest of a line of the trailer; so long it is up to now.
    case trailer(Int)
  }

  /// Returns what does not belong to it.
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
        // Fifteen digits are more than any machine has, and fit.
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
