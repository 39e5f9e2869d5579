// The options of ebb's own commands, each with its table.

/// `ebb status`
package struct StatusOptions: Sendable {
  /// For a program.
  package var json = false
  /// Until the supervisor ends.
  package var watch = false
  /// Each connection of the command's ports.
  package var connections = false
  /// The supervisor's; nil: to be found.
  package var pid: Int32?
  package init() {}
}

extension StatusOptions: CommandOptions {
  static let table: [Option<StatusOptions>] = [
    Option(name: "json", help: "one JSON object, with --watch one per change") {
      options, text throws(Unacceptable) in options.json = try flag(text)
    },
    Option(name: "watch", help: "until the supervisor ends: redrawn on a terminal, else one line per change") {
      options, text throws(Unacceptable) in options.watch = try flag(text)
    },
    Option(name: "connections", help: "count the connections now, and list each: port, peer, class, ages") {
      options, text throws(Unacceptable) in options.connections = try flag(text)
    },
    Option(pid: { options, pid in options.pid = pid }),
  ]

  static var help: String {
    commandHelp(
      "status", "what the supervisor is doing, every process, what SIGTERM would do to each",
      table.map { $0.shape }, exitCodes: "0; 125 where no supervisor can be read")
  }

  func check() throws(UsageError) {}
}

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

/// `ebb stop`
package struct StopOptions: Sendable {
  /// Without delay and drain.
  package var now = false
  /// Until the supervisor has ended.
  package var wait = false
  /// The supervisor's; nil: to be found.
  package var pid: Int32?
  package init() {}
}

extension StopOptions: CommandOptions {
  static let table: [Option<StopOptions>] = [
    Option(name: "now", help: "skip delay and drain, also of a stop that is under way") {
      options, text throws(Unacceptable) in options.now = try flag(text)
    },
    Option(name: "wait", help: "print each phase until the supervisor has ended") {
      options, text throws(Unacceptable) in options.wait = try flag(text)
    },
    Option(pid: { options, pid in options.pid = pid }),
  ]

  static var help: String {
    commandHelp(
      "stop", "begins the graceful stop, as the stop signal would",
      table.map { $0.shape }, exitCodes: "0; 125 where the stop could not be begun")
  }

  func check() throws(UsageError) {}
}

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

extension Option {
  /// `--drain-timeout`
  init(drainTimeout set: @escaping @Sendable (inout Options, Span) -> Void, standard: String) {
    self.init(name: "drain-timeout", value: "D", standard: standard, help: "upper bound of that wait") {
      options, text throws(Unacceptable) in set(&options, try span(text))
    }
  }

  /// `--drain-quiet`
  init(drainQuiet set: @escaping @Sendable (inout Options, Span) -> Void, standard: String) {
    self.init(
      name: "drain-quiet", value: "D", standard: standard,
      help: "idle: no new connection and no inbound byte for this long"
    ) { options, text throws(Unacceptable) in set(&options, try span(text)) }
  }

  /// `--pid`
  fileprivate init(pid set: @escaping @Sendable (inout Options, Int32) -> Void) {
    self.init(name: "pid", value: "N", standard: "found", help: "the supervisor's pid, where there are several") {
      options, text throws(Unacceptable) in
      guard let pid = wholeNumber(text.utf8, upTo: Int(Int32.max)), pid > 0 else {
        throw Unacceptable(reason: "is not a pid: expected a number from 1 on")
      }
      set(&options, Int32(pid))
    }
  }
}
