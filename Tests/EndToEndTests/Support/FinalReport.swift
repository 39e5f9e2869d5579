import Foundation

extension Run {
  /// The lines of standard error as JSON objects. Throws on a line that is none.
  func records() throws -> [[String: Any]] {
    try err.lines.map { line in
      guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
        throw Failure("not a JSON object: \(line)")
      }
      return object
    }
  }

  /// The final report: the last line of a run with `--log json`.
  func report() throws -> [String: Any] {
    guard let last = try records().last else { throw Failure("no report\n\(self)") }
    return last
  }
}
