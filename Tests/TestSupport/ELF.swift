/// Returns whether an executable names no interpreter (PT_INTERP), so that the kernel runs it without any other file. Reads
/// 64-bit little-endian ELF.
package func isStatic(_ bytes: [UInt8]) -> Bool {
  func number(_ offset: Int, _ size: Int) -> Int {
    guard offset >= 0, offset + size <= bytes.count else { return 0 }
    return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
  guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return false }
  let table = number(0x20, 8)
  let entrySize = number(0x36, 2)
  let interpreter = 3
  return !(0..<number(0x38, 2)).contains { number(table + $0 * entrySize, 4) == interpreter }
}
