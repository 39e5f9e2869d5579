import Glibc
import TestSupport

/// The options of the program.
struct Options: Sendable {
  /// Try every fault, but less often.
  var quick = false
  var markdown = false
  /// All faults unless some are named.
  var faultInjection = Set(Fault.allCases)
  var ebb = directoryOfThisProgram() + "/ebb"
  let testApp = directoryOfThisProgram() + "/TestApp"
  let simulation = directoryOfThisProgram() + "/LifecycleSimulation"

  init(_ arguments: [String]) throws(Failure) {
    var named: Set<Fault> = []
    var remaining = arguments[...]
    while let word = remaining.popFirst() {
      switch word {
      case "--quick": quick = true
      case "--markdown": markdown = true
      case "--ebb":
        guard let path = remaining.popFirst() else { throw Failure("--ebb needs the path of a binary") }
        ebb = path
      default:
        guard let fault = Fault(rawValue: word) else {
          let rows = Fault.allCases.map(\.rawValue).joined(separator: ", ")
          throw Failure("\"\(word)\" is neither an option nor a row; rows are \(rows)")
        }
        named.insert(fault)
      }
    }
    if !named.isEmpty { faultInjection = named }
    for path in [ebb, testApp, simulation] where access(path, X_OK) != 0 {
      throw Failure("there is no \(path); build it first: swift build -c release")
    }
    // PID namespaces, an empty /proc and a memory limit need root.
    guard geteuid() == 0 else { throw Failure("not root") }
  }

  /// Returns the full number, or the smaller one with `--quick`.
  func times(_ full: Int, quick small: Int) -> Int { quick ? small : full }
}
