import Supervision

/// The report of a smoke run, in each format of `--output`.
package struct SmokeReport {
  let checks: [SmokeCheck]
  let observations: SmokeObservations

  package init(_ observations: SmokeObservations) {
    self.observations = observations
    checks = observations.checks
  }

  package var passed: Bool { count(.fail) == 0 }

  @inline(never)
  func count(_ result: SmokeCheck.Result) -> Int { checks.reduce(0) { $1.result == result ? $0 + 1 : $0 } }

  /// Encodes the report, ending in a newline.
  package func bytes(_ format: SmokeFormat) -> [UInt8] {
    let text: String
    switch format {
    case .json: return json
    case .text: text = self.text
    case .tap: text = tap
    case .junit: text = junit
    }
    return Array(text.utf8)
  }

  /// The number of failures in text formats.
  static let shownFailures = 20
  /// The number of failures in JSON.
  static let listedFailures = 1000
}
