@testable import Supervision

/// What a command line of ebb means. Throws `UsageError`.
func invocation(_ arguments: [String], variables: [String: String] = [:]) throws(UsageError) -> Invocation {
  try parse(arguments: arguments, variable: { variables[$0] })
}

/// The options of a run; `arguments` are those before the command. Throws `UsageError`.
func runOptions(_ arguments: [String], variables: [String: String] = [:]) throws(UsageError) -> RunOptions {
  guard let run = try invocation(arguments + ["app"], variables: variables).run else {
    throw UsageError(message: "\(arguments) do not run app")
  }
  return run.options
}

/// The message of the error that a command line is refused with; `nil` if it is accepted.
func usageError(_ arguments: [String], variables: [String: String] = [:]) -> String? {
  do {
    _ = try invocation(arguments, variables: variables)
    return nil
  } catch {
    return error.message
  }
}

extension Invocation {
  var run: (options: RunOptions, commandIndex: Int)? {
    if case .run(let options, let index) = self { (options, index) } else { nil }
  }
  var smoke: (options: SmokeOptions, commandIndex: Int)? {
    if case .smoke(let options, let index) = self { (options, index) } else { nil }
  }
  var status: StatusOptions? { if case .status(let options) = self { options } else { nil } }
  var stop: StopOptions? { if case .stop(let options) = self { options } else { nil } }
  var probe: ProbeOptions? { if case .probe(let options) = self { options } else { nil } }
  var plan: PlanOptions? { if case .plan(let options) = self { options } else { nil } }
  var installPath: String? { if case .install(let path) = self { path } else { nil } }
  var help: String? { if case .help(let text) = self { text } else { nil } }
  var isVersion: Bool { if case .version = self { true } else { false } }
}
