// The options of ebb's own commands, each with its table.

/// `ebb probe`
package struct ProbeOptions: Sendable {
  /// What the command is asked, in this order.
  package var checks: [ReadinessCheck] = []
  /// Lines that go with each GET.
  package var headers: [String] = []
  /// For all checks together.
  package var timeout = Span.seconds(1)
  /// Asked is whether to restart, not whether to send traffic.
  package var live = false
  /// The supervisor's; nil: to be found.
  package var pid: Int32?
  package init() {}
}

extension ProbeOptions: CommandOptions {
  static let table: [Option<ProbeOptions>] = [
    Option(
      name: "tcp", value: "PORT", help: "something must listen on this port of a loopback address too", repeatable: true
    ) { options, text throws(Unacceptable) in options.checks.append(.tcp(port: try port(text))) },
    Option(
      name: "http", value: "URL", help: "a GET of this URL must be answered with 2xx or 3xx too", repeatable: true
    ) { options, text throws(Unacceptable) in options.checks.append(.http(try url(text))) },
    Option(name: "header", value: "'N: V'", help: "goes with the GET", repeatable: true) {
      options, text throws(Unacceptable) in
      guard isHTTPHeader(text) else { throw Unacceptable(reason: "is not a header: expected Name: value") }
      options.headers.append(text)
    },
    Option(name: "timeout", value: "D", standard: "1s", help: "for all of it") {
      options, text throws(Unacceptable) in options.timeout = try span(text)
    },
    Option(name: "live", help: "for liveness: no phase is wrong, and a command that starts or stops is not asked") {
      options, text throws(Unacceptable) in options.live = try flag(text)
    },
    Option(pid: { options, pid in options.pid = pid }),
  ]

  static var help: String {
    commandHelp(
      "probe", "readiness or liveness by exit code",
      table.map { $0.shape }, exitCodes: "0 ready; 1 not ready, one line says why; 125 cannot tell")
  }

  func check() throws(UsageError) {
    let asksHTTP = checks.contains { if case .http = $0 { true } else { false } }
    if !headers.isEmpty, !asksHTTP { throw UsageError(message: "--header needs --http") }
  }
}

// Options of several commands.
