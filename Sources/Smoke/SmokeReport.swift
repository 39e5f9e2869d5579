// The report of a smoke run, in each form that `--output` knows.

import Supervision

/// What a smoke run has come to.
package struct SmokeReport {
  /// Always all of them.
  let checks: [SmokeCheck]
  let observations: SmokeObservations

  /// Judges what was seen.
  package init(_ observations: SmokeObservations) {
    self.observations = observations
    checks = smokeChecks(observations)
  }

  /// No check failed.
  package var passed: Bool { count(.fail) == 0 }

  @inline(never)
  func count(_ result: SmokeCheck.Result) -> Int { checks.reduce(0) { $1.result == result ? $0 + 1 : $0 } }

  /// The bytes to write, ended by a newline.
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

  /// How many failures are shown to a person.
  static let shownFailures = 20
  /// And to a program.
  static let listedFailures = 1000
}
