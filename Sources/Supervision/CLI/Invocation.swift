/// The action that the command line requests.
package enum Invocation: Sendable {
  /// Print this text.
  case help(String)
  case version
  /// Supervise the command that begins at this argument.
  case run(RunOptions, commandIndex: Int)
  case status(StatusOptions)
  case stop(StopOptions)
  case probe(ProbeOptions)
  case drain(DrainOptions)
  /// Supervise the command that begins at this argument, send it requests and stop it.
  case smoke(SmokeOptions, commandIndex: Int)
  /// Print the timeline of a stop.
  case plan(PlanOptions)
  /// Copy this executable to an absolute path.
  case install(String)
}
