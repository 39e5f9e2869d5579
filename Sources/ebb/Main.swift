import CPlatform
import Platform
import Supervision

/// ebb from its first statement on. SwiftPM links `<module>_main` as the program's main.
@_cdecl("ebb_main")
package func main(argumentCount: Int32, arguments: CStrings, environment: CStrings?) -> Int32 {
  // Before anything else: what arrives from now on stays pending until somebody is there to act on it.
  let inherited = Inherited(blockedSignals: blockAllSignals(), parent: getppid())
  var words = (0..<Int(argumentCount)).dropFirst().compactMap { arguments[$0].map { String(system: $0) } }
  var other = arguments[0].flatMap { OtherInit(path: $0) }
  // PID 1 runs a program called status.
  if other != nil, getpid() != 1, isOwnCommand(words) { other = nil }
  if let other { arrange(arguments, &words, for: other) }
  let invocation: Invocation
  do throws(UsageError) {
    invocation = try parse(
      words: words, as: other, variable: environmentVariable,
      hasOwnVariables: !variableNames(in: environment, beginningWith: "EBB_").isEmpty)
  } catch {
    _ = complain(error.message)
    return Int32(error.code)
  }
  if case .run(let options, let commandAt) = invocation {
    return run(options, command: arguments + 1 + commandAt, environment: environment, inherited)
  }
  occupyStandardDescriptors()
  do throws(Complaint) {
    if case .smoke(let options, let commandAt) = invocation {
      return try smoke(options, words: arguments + 1, commandAt: commandAt, environment: environment, inherited)
    }
    // What remains ends by itself, or by Ctrl-C.
    inherited.restoreSignals()
    return try answer(invocation, environment)
  } catch {
    return complain(error.message)
  }
}

/// Puts the words in the order in which the other program reads them.
private func arrange(_ arguments: CStrings, _ words: inout [String], for other: OtherInit) {
  let order = other.arrangement(of: words, isPosix: getenv("POSIXLY_CORRECT") != nil)
  let pointers = order.map { arguments[$0 + 1] }
  for (index, pointer) in pointers.enumerated() { arguments[index + 1] = pointer }
  words = order.map { words[$0] }
}

/// Everything but a run: prints, and returns the exit code.
private func answer(_ invocation: Invocation, _ environment: CStrings?) throws(Complaint) -> Int32 {
  switch invocation {
  case .run, .smoke: return 0
  case .help(let text): try printOut(Array(text.utf8))
  case .version: try printOut(Array("ebb \(version)\n".utf8))
  case .status(let options): try status(options)
  case .stop(let options): try stop(options)
  case .drain(let options): return try drain(options) ? 0 : 1
  case .plan(let options):
    let report = PlanReport(options.run, unknownVariables: unknownVariables(environment))
    try printOut(options.json ? report.json : Array(report.text.utf8))
  case .install(let path): try install(at: path)
  case .probe(let options):
    guard let reason = try probe(options) else { return 0 }
    try printOut(Array("not ready: \(reason)\n".utf8))
    return 1
  }
  return 0
}

private func environmentVariable(_ name: String) -> String? {
  getenv(name).map { String(system: $0) }
}
