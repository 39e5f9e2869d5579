import Testing

/// The final report of a run with `--log json`.
struct FinalReport: CustomStringConvertible {
  let values: [String: Any]
  let description: String

  init(_ run: Run) throws {
    values = try run.report()
    description = "\(run)"
  }

  subscript(key: String) -> Int? { values[key] as? Int }
  func text(_ key: String) -> String? { values[key] as? String }
  /// The count of connections in flight, or `nil` if it is unknown.
  func inFlight(_ key: String) -> Int? { (values["in_flight"] as? [String: Any])?[key] as? Int }
  var drainEndedBy: String? { text("drain_ended_by") }
}
