import TestSupport

/// The samples of every program, by its index.
struct Samples {
  private(set) var values: [[Double]]

  init(_ programs: [Program]) {
    values = programs.map { _ in [] }
  }

  mutating func add(_ value: Double, for program: Int) {
    values[program].append(value)
  }

  /// Returns the medians by program name, without programs that have no samples.
  func medians(_ programs: [Program]) -> [String: Double] {
    var result: [String: Double] = [:]
    for (index, program) in programs.enumerated() where !values[index].isEmpty {
      result[program.name] = median(values[index])
    }
    return result
  }
}
