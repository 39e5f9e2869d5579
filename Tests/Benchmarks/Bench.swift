import Glibc
import TestSupport

/// The input of every measurement: the options, the programs, and the report.
final class Bench {
  let options: Options
  let programs: [Program]
  let report = Report()

  init(options: Options, programs: [Program]) {
    self.options = options
    self.programs = programs
  }

  /// The program that is judged.
  var ebb: Program { programs[0] }

  /// Runs a measurement if it is selected. A failure counts as a missed bar, and the others still run.
  func run(_ measurement: Measurement, _ body: (Bench) throws(Failure) -> Void) {
    guard options.only.contains(measurement) else { return }
    progress(measurement.rawValue)
    do throws(Failure) {
      try body(self)
    } catch {
      report.judge("the measurement \"\(measurement.rawValue)\" is completed", measured: error.description, false)
    }
  }

  /// Returns the programs in random order, so that none always follows the same one.
  func shuffled() -> [Int] {
    Array(programs.indices).shuffled()
  }
}

/// Describes the machine above the table: ratios are comparable between machines, absolute times are not.
func describeMachine(_ bench: Bench) {
  bench.report.heading = "\(machine()), \(bench.options.quick ? "quick run" : "full run")"
}
