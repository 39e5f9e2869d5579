import TestSupport

/// Samples of every program, by its index, taken in turn.
struct Samples {
  private(set) var values: [[Double]]

  init(_ programs: [Program]) {
    values = programs.map { _ in [] }
  }

  mutating func add(_ value: Double, for program: Int) {
    values[program].append(value)
  }

  /// The medians by program name; a program without samples is missing.
  func medians(_ programs: [Program]) -> [String: Double] {
    var result: [String: Double] = [:]
    for (index, program) in programs.enumerated() where !values[index].isEmpty {
      result[program.name] = median(values[index])
    }
    return result
  }
}
