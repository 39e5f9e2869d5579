import Glibc
import Instruments

/// The measurements, by the name that `--only` takes.
enum Measurement: String, CaseIterable {
  case size, start, signal, orphans, idle, kill, inspection, connections, health, endurance
}

/// The command line of the benchmark.
struct Options {
  var quick = false
  var markdown = false
  var only: Set<Measurement> = Set(Measurement.allCases)
  var ebb = directoryOfThisProgram() + "/ebb"

  init(_ arguments: [String]) throws(Failure) {
    var chosen: Set<Measurement> = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--quick":
        quick = true
      case "--markdown":
        markdown = true
      case "--only":
        guard let name = rest.popFirst(), let measurement = Measurement(rawValue: name) else {
          let names = Measurement.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure("--only takes one of \(names); it can be repeated")
        }
        chosen.insert(measurement)
      case "--ebb":
        guard let path = rest.popFirst() else { throw Failure("--ebb takes the path of a binary") }
        ebb = path
      default:
        throw Failure("\"\(word)\" is not an option; there are --quick, --only NAME, --markdown and --ebb FILE")
      }
    }
    if !chosen.isEmpty { only = chosen }
    guard access(ebb, X_OK) == 0 else {
      throw Failure("there is no \(ebb); build it first: swift build -c release")
    }
  }

  /// Rounds of a measurement: the full number, or the smaller one of `--quick`.
  func rounds(_ full: Int, quick small: Int) -> Int {
    quick ? small : full
  }
}
