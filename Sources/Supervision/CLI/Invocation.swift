/// What the words after `ebb` ask for.
package enum Invocation: Sendable {
  /// Print this.
  case help(String)
  case version
  /// Supervise the command that begins at this index of the words.
  case run(RunOptions, commandIndex: Int)
  case status(StatusOptions)
  case stop(StopOptions)
  case probe(ProbeOptions)
  case drain(DrainOptions)
  /// Supervise the command that begins at this index of the words, load it and stop it.
  case smoke(SmokeOptions, commandIndex: Int)
  /// Print what a stop would look like.
  case plan(PlanOptions)
  /// Copy this program to an absolute path.
  case install(String)
}
