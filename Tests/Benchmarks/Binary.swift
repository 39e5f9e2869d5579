import Glibc
import TestSupport

/// Measures the size of the executables and whether they are static. Throws if one cannot be read.
func measureFile(_ bench: Bench) throws(Failure) {
  var sizes: [String: Double] = [:]
  var linking: [String: String] = [:]
  for program in bench.programs {
    let bytes = try readBytes(program.path)
    sizes[program.name] = Double(bytes.count)
    linking[program.name] = isStatic(bytes) ? "static" : "dynamic"
  }
  bench.report.add(Row("file size", .bytes, sizes, ratio: false))
  bench.report.add(Row("linking", texts: linking))
  let size = sizes["ebb"] ?? 0
  let kind = linking["ebb"] ?? ""
  bench.report.judge(
    "release binary static, at most 1.50 MB", measured: "\(kind), \(fixed(size / 1e6, 3)) MB",
    kind == "static" && size <= 1_500_000)
}

/// Returns whether the file names no interpreter (PT_INTERP). Reads 64-bit little-endian ELF.
private func isStatic(_ bytes: [UInt8]) -> Bool {
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
