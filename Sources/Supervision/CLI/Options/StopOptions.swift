/// The options of `ebb stop`.
package struct StopOptions: Sendable {
  /// Skip delay and drain.
  package var now = false
  /// Wait until the supervisor has ended.
  package var wait = false
  /// The supervisor's PID; `nil` to search for it.
  package var pid: Int32?
  package init() {}
}

extension StopOptions: CommandOptions {
  static let table: [OptionDefinition<StopOptions>] = [
    OptionDefinition(
      name: "now", parse: parseFlag, help: "skip delay and drain, also of a stop that is under way"
    ) { $0.now = $1 },
    OptionDefinition(
      name: "wait", parse: parseFlag, help: "print each phase until the supervisor has ended"
    ) { $0.wait = $1 },
    OptionDefinition(pid: { $0.pid = $1 }),
  ]

  static var help: String {
    commandHelp(
      "stop", "begins the graceful stop, as the stop signal would",
      table.map { $0.spec }, exitCodes: "0; 125 where the stop could not be begun")
  }
}
