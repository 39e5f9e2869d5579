import Foundation
import TestSupport

extension Run {
  /// The lines of standard error as JSON objects.
  ///
  /// - Throws: A `Failure` if a line is not a JSON object.
  func records() throws -> [[String: Any]] { try err.lines.map { try $0.jsonObject() } }

  /// The final report: the last line of a run with `--log json`.
  ///
  /// - Throws: A `Failure` if there is no line, or one that is not a JSON object.
  func report() throws -> [String: Any] {
    guard let last = try records().last else { throw Failure("no report\n\(self)") }
    return last
  }

  /// All records of a JSON log with this event. Lines of other programs are skipped.
  func events(_ name: String) -> [[String: Any]] {
    err.read()
    return err.lines.compactMap { try? $0.jsonObject() }.filter { $0["event"] as? String == name }
  }

  /// Waits for the first record of a JSON log with this event that meets the condition.
  @discardableResult
  func event(_ name: String, where condition: ([String: Any]) -> Bool = { _ in true }) throws -> [String: Any] {
    var found: [String: Any]?
    try wait(for: "the event \(name)") {
      found = events(name).first(where: condition)
      return found != nil
    }
    return found ?? [:]
  }
}
