/// The options of `ebb status`.
package struct StatusOptions: Sendable {
  package var json = false
  /// Repeat until the supervisor ends.
  package var watch = false
  /// List each connection of the command's ports.
  package var connections = false
  /// The supervisor's PID; `nil` to search for it.
  package var pid: Int32?
  package init() {}
}

extension StatusOptions: CommandOptions {
  static let table: [OptionDefinition<StatusOptions>] = [
    OptionDefinition(
      name: "json", parse: parseFlag, help: "one JSON object, with --watch one per change"
    ) { $0.json = $1 },
    OptionDefinition(
      name: "watch", parse: parseFlag,
      help: "until the supervisor ends: redrawn on a terminal, else one line per change"
    ) { $0.watch = $1 },
    OptionDefinition(
      name: "connections", parse: parseFlag, help: "count the connections now, and list each: port, peer, class, ages"
    ) { $0.connections = $1 },
    OptionDefinition(pid: { $0.pid = $1 }),
  ]

  static var help: String {
    commandHelp(
      "status", "what the supervisor is doing, every process, what SIGTERM would do to each",
      table.map { $0.spec }, exitCodes: "0; 125 where no supervisor can be read")
  }
}
