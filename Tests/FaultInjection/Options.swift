import Glibc
import Instruments

/// The command line.
struct Options: Sendable {
  /// Every fault is tried, but not often.
  var quick = false
  var markdown = false
  /// All, where none was named.
  var faults = Set(Fault.allCases)
  var ebb = directoryOfThisProgram() + "/ebb"
  let fixture = directoryOfThisProgram() + "/fixture"
  let simulation = directoryOfThisProgram() + "/simulation"

  init(_ arguments: [String]) throws(Failure) {
    var named: Set<Fault> = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--quick": quick = true
      case "--markdown": markdown = true
      case "--ebb":
        guard let path = rest.popFirst() else { throw Failure("--ebb takes the path of a binary") }
        ebb = path
      default:
        guard let fault = Fault(rawValue: word) else {
          let rows = Fault.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure("\"\(word)\" is no option and no row; rows are \(rows)")
        }
        named.insert(fault)
      }
    }
    if !named.isEmpty { faults = named }
    for path in [ebb, fixture, simulation] where access(path, X_OK) != 0 {
      throw Failure("there is no \(path); build it first: swift build -c release")
    }
    // PID namespaces, an empty /proc, a memory limit.
    guard geteuid() == 0 else { throw Failure("not root") }
  }

  /// How often: the full number, or the smaller one of `--quick`.
  func times(_ full: Int, quick small: Int) -> Int { quick ? small : full }
}
