/// `ebb drain`
package struct DrainOptions: Sendable {
  /// `--delay`; nil: 5 s, unless nothing listens.
  package var delay: Span?
  /// `--drain`
  package var mode = DrainMode.idle
  /// `--drain-timeout`
  package var timeout = Span.seconds(10)
  /// `--drain-quiet`
  package var quiet = Span.seconds(2)
  /// `--ports`; nil: to be found.
  package var ports: [Port]?
  /// The supervisor's, whose command's connections count; nil: to be found.
  package var pid: Int32?
  package init() {}
}

extension DrainOptions: CommandOptions {
  static let table: [Option<DrainOptions>] = [
    Option(
      name: "delay", value: "D", standard: "5s",
      help: "wait for D in any case; one that was given is kept also where nothing listens"
    ) {
      options, text throws(Unacceptable) in options.delay = try span(text)
    },
    Option(
      name: "drain", value: "MODE", standard: "idle",
      help: "then: time = no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { options, text throws(Unacceptable) in options.mode = try drainMode(text) },
    Option(drainTimeout: { options, span in options.timeout = span }, standard: "10s"),
    Option(drainQuiet: { options, span in options.quiet = span }, standard: "2s"),
    Option(
      name: "ports", value: "LIST", standard: "found",
      help: "the listening ports whose connections count, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp)"
    ) { options, text throws(Unacceptable) in options.ports = try portList(text) },
    Option(pid: { options, pid in options.pid = pid }),
  ]

  static var help: String {
    commandHelp(
      "drain", "waits until inbound connections are idle; stops nothing (preStop hooks, sidecars)",
      table.map { $0.shape }, exitCodes: "0 drained; 1 the bound was reached, one line says what is left; 125 error")
  }

  func check() throws(UsageError) {}
}
