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
