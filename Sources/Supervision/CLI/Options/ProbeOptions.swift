import HTTP
import Primitives

/// The options of `ebb probe`.
package struct ProbeOptions: Sendable {
  /// `--tcp` and `--http`, in the order given.
  package var checks: [ReadinessCheck] = []
  /// Headers that are added to each request.
  package var headers: [String] = []
  /// The time limit for all checks together.
  package var timeout = TimeAmount.seconds(1)
  /// A liveness check (restart the container?), not a readiness check (send it traffic?).
  package var live = false
  /// The supervisor's PID; `nil` to search for it.
  package var pid: Int32?
  package init() {}
}

extension ProbeOptions: CommandOptions {
  static let table: [OptionDefinition<ProbeOptions>] = [
    OptionDefinition(
      name: "tcp", value: "PORT", parse: parsePort,
      help: "also require a listener on this loopback port", repeatable: true
    ) { $0.checks.append(.tcp(port: $1)) },
    OptionDefinition(
      name: "http", value: "URL", parse: parseURL,
      help: "also require a 2xx or 3xx response from this URL", repeatable: true
    ) { $0.checks.append(.http($1)) },
    OptionDefinition(name: "header", value: "'N: V'", help: "add this header to the request", repeatable: true) {
      options, text throws(InvalidValue) in
      guard isHTTPHeader(text.utf8) else { throw InvalidValue(reason: "is not a header: expected Name: value") }
      options.headers.append(text)
    },
    OptionDefinition(
      name: "timeout", value: "D", defaultText: "1s", parse: parseDuration, help: "time limit for all checks together"
    ) { $0.timeout = $1 },
    OptionDefinition(
      name: "live", parse: parseFlag,
      help: "liveness check: every phase passes, and the command is asked only while it is serving"
    ) { $0.live = $1 },
    OptionDefinition(pid: { $0.pid = $1 }),
  ]

  static var help: String {
    commandHelp(
      "probe", "readiness or liveness by exit code",
      table.map { $0.spec }, exitCodes: "0 ready; 1 not ready, one line says why; 125 cannot tell")
  }

  func check() throws(UsageError) {
    let asksHTTP = checks.contains { if case .http = $0 { true } else { false } }
    if !headers.isEmpty, !asksHTTP { throw UsageError(message: "--header needs --http") }
  }
}
