import CPlatform
import Platform
import Primitives
import Supervision

/// ebb's first statements. SwiftPM links `<module>_main` as the program's main.
@_cdecl("ebb_main")
package func main(argumentCount: Int32, argumentVector: CStrings, environment: CStrings?) -> Int32 {
  // First of all, so that signals stay pending until there is a source for them.
  let inherited = InheritedState(blockedSignals: blockAllSignals(), parent: getppid())
  var arguments = (0..<Int(argumentCount)).dropFirst().compactMap { argumentVector[$0].map { String(system: $0) } }
  var other = argumentVector[0].flatMap { OtherInit(path: $0) }
  // PID 1 runs a program that is named like a command of ebb.
  if other != nil, getpid() != 1, isOwnCommand(arguments) { other = nil }
  if let other { arrange(argumentVector, &arguments, for: other) }
  let invocation: Invocation
  do throws(UsageError) {
    invocation = try parse(
      arguments: arguments, as: other, variable: environmentVariable,
      hasOwnVariables: !variableNames(in: environment, beginningWith: "EBB_").isEmpty)
  } catch {
    _ = printError(error.message)
    return Int32(error.code)
  }
  prepare(for: invocation, inherited)
  do throws(CommandError) {
    return try perform(invocation, argumentVector, environment, inherited)
  } catch {
    return printError(error.message)
  }
}

/// A run leaves its standard streams as they are until the command has them, and `smoke` keeps all signals blocked. The
/// other commands end by themselves or by Ctrl-C.
private func prepare(for invocation: Invocation, _ inherited: InheritedState) {
  switch invocation {
  case .run: return
  case .smoke: openMissingStandardStreams()
  case .help, .version, .status, .stop, .probe, .drain, .plan, .install:
    openMissingStandardStreams()
    inherited.restoreSignals()
  }
}

/// Reorders the arguments as the other program reads them.
private func arrange(_ argumentVector: CStrings, _ arguments: inout [String], for other: OtherInit) {
  let order = other.arrangement(of: arguments, isPosix: getenv("POSIXLY_CORRECT") != nil)
  let pointers = order.map { argumentVector[$0 + 1] }
  for (index, pointer) in pointers.enumerated() { argumentVector[index + 1] = pointer }
  arguments = order.map { arguments[$0] }
}

/// Returns the exit code. Throws why the command cannot do what was requested.
private func perform(
  _ invocation: Invocation, _ argumentVector: CStrings, _ environment: CStrings?, _ inherited: InheritedState
) throws(CommandError) -> Int32 {
  switch invocation {
  case .run(let options, let commandIndex):
    return run(options, command: argumentVector + 1 + commandIndex, environment: environment, inherited)
  case .smoke(let options, let commandIndex):
    return try runSmoke(
      options, arguments: argumentVector + 1, commandIndex: commandIndex, environment: environment, inherited)
  case .help(let text): try printOut(Array(text.utf8))
  case .version: try printOut(Array("ebb \(ebbVersion)\n".utf8))
  case .status(let options): try runStatus(options)
  case .stop(let options): try runStop(options)
  case .drain(let options): return try runDrain(options) ? 0 : 1
  case .plan(let options):
    let report = PlanReport(options.run, unknownVariables: unknownVariables(environment))
    try printOut(options.json ? report.json : Array(report.text.utf8))
  case .install(let path): try runInstall(at: path)
  case .probe(let options):
    guard let reason = try runProbe(options) else { return 0 }
    try printOut(Array("not ready: \(reason)\n".utf8))
    return 1
  }
  return 0
}

private func environmentVariable(_ name: String) -> String? {
  getenv(name).map { String(system: $0) }
}
