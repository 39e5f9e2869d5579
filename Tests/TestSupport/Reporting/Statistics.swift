/// Returns the median, or 0 without samples.
package func median(_ samples: [Double]) -> Double {
  percentile(samples, 50)
}

/// Returns the nearest-rank percentile, `p` from 0 to 100, or 0 without samples.
package func percentile(_ samples: [Double], _ p: Double) -> Double {
  guard !samples.isEmpty else { return 0 }
  let sorted = samples.sorted()
  let rank = Int((p / 100 * Double(sorted.count - 1)).rounded())
  return sorted[min(max(rank, 0), sorted.count - 1)]
}

/// Formats a number with a fixed number of decimals. String(format:) needs Foundation, which would slow down the start
/// of the measured commands.
package func fixed(_ value: Double, _ decimals: Int) -> String {
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = Int((value.magnitude * scale).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(scaled) }
  let digits = String(scaled % Int(scale))
  return "\(sign)\(scaled / Int(scale)).\(String(repeating: "0", count: decimals - digits.count))\(digits)"
}
