import Glibc
import TestSupport

/// What every measurement is given: the choice of the user, the programs, and the report to fill.
final class Bench {
  let options: Options
  let programs: [Program]
  let report = Report()

  init(options: Options, programs: [Program]) {
    self.options = options
    self.programs = programs
  }

  /// The program that all judgements are about.
  var ebb: Program { programs[0] }

  /// Runs one measurement if the user wants it. One that breaks off is a missed bar, and the others are made all the
  /// same.
  func run(_ measurement: Measurement, _ body: (Bench) throws(Failure) -> Void) {
    guard options.only.contains(measurement) else { return }
    progress(measurement.rawValue)
    do throws(Failure) {
      try body(self)
    } catch {
      report.judge("the measurement \"\(measurement.rawValue)\" is completed", measured: error.message, false)
    }
  }

  /// The programs in an order that differs from round to round, so that none always follows the same neighbour.
  func shuffled() -> [Int] {
    Array(programs.indices).shuffled()
  }
}

/// The line above the table: ratios travel between machines, absolute times do not.
func describeMachine(_ bench: Bench) {
  bench.report.heading = "\(machine()), \(bench.options.quick ? "quick run" : "full run")"
}
