/// The arithmetic at start: every phase at its longest must fit into what the orchestrator allows, else its SIGKILL
/// would hit in the middle of a stop that looked well configured. Checked before the command exists, so that a rollout
/// fails at once and not at its first stop.
func checkBudget(_ options: RunOptions) throws(UsageError) {
  let parts: [(name: String, span: Span)] = [
    ("delay", options.delay),
    ("drain-timeout", options.drain == .time ? .zero : options.drainTimeout),
    ("grace", options.grace ?? .seconds(1)),  // not given: all that is left, and that shall not be nothing
    ("kill-margin", options.killMargin),
  ]
  let sum = parts.reduce(Span.zero) { $0 + $1.span }
  guard sum > options.terminationGracePeriod else { return }
  var equation = ""
  for part in parts where part.span > .zero {
    equation += "\(equation.utf8.isEmpty ? "" : " + ")\(part.name) \(part.span.text)"
  }
  throw UsageError(
    message: "\(equation) = \(sum.text) does not fit into --termination-grace-period "
      + "\(options.terminationGracePeriod.text): the smallest value that would do is \(sum.text)")
}
