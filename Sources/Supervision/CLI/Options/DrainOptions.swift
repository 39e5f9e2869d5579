import Primitives

/// The options of `ebb drain`.
package struct DrainOptions: Sendable {
  /// `--delay`; `nil` for 5 s, or none if no socket listens.
  package var delay: TimeAmount?
  package var mode = DrainMode.idle
  package var timeout = TimeAmount.seconds(10)
  package var quiet = TimeAmount.seconds(2)
  /// `--ports`; `nil` for the ports that ebb finds.
  package var ports: [Port]?
  /// The PID of the supervisor whose command's connections count; `nil` to search for it.
  package var pid: Int32?
  package init() {}
}

extension DrainOptions: CommandOptions {
  static let table: [OptionDefinition<DrainOptions>] = [
    OptionDefinition(
      name: "delay", value: "D", defaultText: "5s", parse: parseDuration,
      help: "wait for D in any case; one that was given is kept also where nothing listens"
    ) { $0.delay = $1 },
    OptionDefinition(
      name: "drain", value: "MODE", defaultText: "idle", parse: parseDrainMode,
      help: "then: time = no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { $0.mode = $1 },
    OptionDefinition(drainTimeout: { $0.timeout = $1 }, defaultText: "10s"),
    OptionDefinition(drainQuiet: { $0.quiet = $1 }, defaultText: "2s"),
    OptionDefinition(
      name: "ports", value: "LIST", defaultText: "found", parse: parsePortList,
      help: "the listening ports whose connections count, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp)"
    ) { $0.ports = $1 },
    OptionDefinition(pid: { $0.pid = $1 }),
  ]

  static var help: String {
    commandHelp(
      "drain", "waits until inbound connections are idle; stops nothing (preStop hooks, sidecars)",
      table.map { $0.spec }, exitCodes: "0 drained; 1 the bound was reached, one line says what is left; 125 error")
  }
}
