/// The options of `ebb plan`: those of a run, and the output format.
package struct PlanOptions: Sendable {
  package var run = RunOptions()
  package var json = false
  package init() {}

  static let table: [OptionDefinition<PlanOptions>] = [
    OptionDefinition(name: "json", parse: parseFlag, help: "one JSON object") { $0.json = $1 }
  ]

  static var help: String {
    commandHelp(
      "plan", "the timeline of a stop with these options and the EBB_ variables; starts nothing",
      table.map { $0.spec } + RunOptions.table.map { $0.spec },
      exitCodes: "0; 125 where the times do not fit, or an option is wrong")
  }
}
