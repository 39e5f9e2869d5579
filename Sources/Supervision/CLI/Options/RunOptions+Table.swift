/// One option of a command: how it is called, and what it does to the options. The table of these feeds the parser,
/// `--help` and README's table.
package struct Option<Options>: Sendable {
  /// How it is called and described.
  package let shape: OptionShape
  /// Takes the value into the options, or says what was expected.
  let set: @Sendable (inout Options, String) throws(Unacceptable) -> Void

  init(
    name: String, short: String? = nil, value: String? = nil, standard: String? = nil, help: String,
    repeatable: Bool = false, set: @escaping @Sendable (inout Options, String) throws(Unacceptable) -> Void
  ) {
    shape = OptionShape(
      name: name, short: short, value: value, standard: standard, help: help, repeatable: repeatable)
    self.set = set
  }
}

/// How an option is called: the same type for every command, so that there is one parser in the binary.
package struct OptionShape: Sendable {
  /// Without the dashes.
  package let name: String
  /// One ASCII letter.
  package let short: String?
  /// What stands for the value in help; nil: a flag.
  package let value: String?
  /// As help shows it; nil: nothing to say.
  package let standard: String?
  /// What it does, in one sentence.
  package let help: String
  /// Given several times, all count; in the variable they stand in a comma list.
  package let repeatable: Bool

  /// `EBB_DRAIN_TIMEOUT` for `--drain-timeout`.
  package var variable: String { "EBB_" + name.asVariableName }
}

/// Why a value was not taken: the end of a sentence that begins with the value.
struct Unacceptable: Error {
  let reason: String
}

extension RunOptions {
  /// In the order of `--help`: the life of a stop, then signals, then the rest.
  package static let table: [Option<RunOptions>] = [
    Option(
      name: "delay", value: "D", standard: "5s (1)",
      help:
        "after the stop signal the app is left untouched and serving for D. Never shortened by counting connections; "
        + "one that was given is kept also where nothing listens"
    ) { options, text throws(Unacceptable) in options.delay = try span(text) },
    Option(
      name: "drain", value: "MODE", standard: "idle",
      help: "after the delay: time = wait no further, idle = until no request is in flight and traffic is quiet, "
        + "zero = until no inbound connection is established"
    ) { options, text throws(Unacceptable) in options.drain = try drainMode(text) },
    Option(drainTimeout: { options, span in options.drainTimeout = span }, standard: "10s (1)"),
    Option(drainQuiet: { options, span in options.drainQuiet = span }, standard: "2s (1)"),
    Option(
      name: "ports", value: "LIST", standard: "found",
      help: "the app's listening ports, each PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp); "
        + "found = the ports its process tree listens on"
    ) { options, text throws(Unacceptable) in options.ports = try portList(text) },
    Option(
      name: "grace", value: "D", standard: "all that is left",
      help: "from forwarding the stop signal to SIGKILL"
    ) { options, text throws(Unacceptable) in options.grace = try span(text) },
    Option(
      name: "termination-grace-period", short: "t", value: "D", standard: "30s (1)",
      help: "what the orchestrator allows from its signal to its own SIGKILL (Kubernetes "
        + "terminationGracePeriodSeconds minus any preStop; docker stop --time; ECS stopTimeout)"
    ) { options, text throws(Unacceptable) in options.terminationGracePeriod = try span(text) },
    Option(
      name: "kill-margin", value: "D", standard: "1s (1)",
      help: "SIGKILL happens at the latest this long before the orchestrator's, so that exit and report still happen"
    ) { options, text throws(Unacceptable) in options.killMargin = try span(text) },
    Option(
      name: "leftover-timeout", value: "D", standard: "all that is left in a stop, else 2s",
      help:
        "when the command has exited, how long the processes it left behind may take (never past the kill deadline), "
        + "before SIGKILL"
    ) { options, text throws(Unacceptable) in options.leftoverTimeout = try span(text) },
    Option(
      name: "stop-signals", value: "LIST", standard: "auto",
      help: "incoming signals that begin the graceful stop; auto: TERM, and the signal that the command itself takes "
        + "for its graceful stop (2)"
    ) { options, text throws(Unacceptable) in
      options.stopSignalsAreGiven = true
      options.recognisesServers = text.isSame(as: "auto")
      options.stopSignals = options.recognisesServers ? SignalSet([.terminate]) : try forwardable(list: text)
    },
    Option(
      name: "rewrite", short: "r", value: "FROM:TO",
      help: "forward FROM as TO (TERM:QUIT for nginx); TO = 0 drops it", repeatable: true
    ) { options, text throws(Unacceptable) in
      let rule = try rewrite(text)
      options.rewrites.add(from: rule.from, to: rule.to)
    },
    Option(name: "group", short: "g", help: "signal the command's process group, not the command alone") {
      options, text throws(Unacceptable) in options.signalsGroup = try flag(text)
    },
    Option(name: "session", help: "start the command in a new session (setsid), not only a new process group") {
      options, text throws(Unacceptable) in options.newSession = try flag(text)
    },
    Option(
      name: "subreaper", short: "s", standard: "on",
      help: "accepted for tini's users: ebb is always a child subreaper when it is not PID 1"
    ) { _, text throws(Unacceptable) in _ = try flag(text) },
    Option(
      name: "parent-death-signal", short: "p", value: "SIG", help: "the signal ebb itself gets when its parent dies"
    ) { options, text throws(Unacceptable) in options.parentDeathSignal = try signal(text) },
    Option(
      name: "remap-exit", short: "e", value: "CODE[:TO]",
      help: "exit with TO (default 0) where the command's code is CODE", repeatable: true
    ) { options, text throws(Unacceptable) in options.remaps.append(try remap(text)) },
    Option(name: "warn-reaped", short: "w", help: "a log line for each reaped orphan") {
      options, text throws(Unacceptable) in options.warnsReaped = try flag(text)
    },
    Option(
      name: "ready-tcp", value: "PORT",
      help:
        "the command is ready when something listens on this port of a loopback address; before that the phase is starting"
    ) { options, text throws(Unacceptable) in options.readyTCP = try port(text) },
    Option(
      name: "ready-http", value: "URL",
      help: "the command is ready when a GET of this URL is answered with 2xx or 3xx; before that the phase is starting"
    ) { options, text throws(Unacceptable) in options.readyHTTP = try url(text) },
    Option(
      name: "startup-timeout", value: "D", standard: "0 (none)",
      help: "not ready by then: stop the command and exit 124"
    ) { options, text throws(Unacceptable) in options.startupTimeout = try span(text) },
    Option(
      name: "health", value: "[ADDR:]PORT", standard: "off",
      help: "HTTP endpoint of ebb's own: /readyz, /livez, /status, /metrics"
    ) { options, text throws(Unacceptable) in options.health = try healthAddress(text) },
    Option(
      name: "ready-hold", value: "D", standard: "0s",
      help: "keep reporting ready for D after the stop signal (externalTrafficPolicy Local, single replica)"
    ) { options, text throws(Unacceptable) in options.readyHold = try span(text) },
    Option(
      name: "pre-stop", value: "COMMAND",
      help: "run this (no shell; quotes understood) at the stop signal, beside the delay; the drain does not end "
        + "before it has exited, the bounds hold all the same"
    ) { options, text throws(Unacceptable) in options.preStop = try command(text) },
    Option(
      name: "termination-log", value: "PATH", standard: "/dev/termination-log if it exists",
      help: "the final report is written there and so shows in the pod's status"
    ) { options, text throws(Unacceptable) in options.terminationLog = try path(text) },
    Option(
      name: "log", value: "text|json", standard: "text",
      help: "one line an event on standard error, logfmt or JSON, UTC with milliseconds"
    ) { options, text throws(Unacceptable) in options.logFormat = try format(text) },
    Option(name: "quiet", short: "q", help: "log warnings and errors only") {
      options, text throws(Unacceptable) in options.quiet = try flag(text)
    },
    Option(
      name: "verbose", short: "v", help: "log more: -v from the start, -vv each signal and orphan", repeatable: true
    ) {
      options, text throws(Unacceptable) in options.verboseCount += try level(text)
    },
  ]
}

// What a value may be. Each function says what it expects, once.

func span(_ text: String) throws(Unacceptable) -> Span {
  guard let span = Span(text: text) else {
    throw Unacceptable(reason: "is not a duration: expected e.g. 10s, 500ms or 1m30s, at most \(Span.longest.text)")
  }
  return span
}

func signal(_ text: String) throws(Unacceptable) -> Signal {
  guard let signal = Signal(text: text) else {
    throw Unacceptable(reason: "is not a signal: expected e.g. TERM, SIGTERM, 15 or RTMIN+3")
  }
  return signal
}

private func forwardable(_ text: String) throws(Unacceptable) -> Signal {
  guard let signal = Signal(text: text), !SignalSet.neverForwarded.contains(signal) else {
    throw Unacceptable(
      reason: "is not a signal that can be forwarded: expected e.g. TERM, SIGTERM, 15 or RTMIN+3, "
        + "and none of \(SignalSet.neverForwarded.signals.map { $0.name }.joinedBySpaces)")
  }
  return signal
}

private func forwardable(list: String) throws(Unacceptable) -> SignalSet {
  var signals = SignalSet()
  for part in list.parts(separatedBy: UInt8(ascii: ",")) { signals.insert(try forwardable(part)) }
  return signals
}

private func rewrite(_ text: String) throws(Unacceptable) -> (from: Signal, to: Signal?) {
  let parts = text.parts(separatedBy: UInt8(ascii: ":"))
  guard parts.count == 2 else {
    throw Unacceptable(reason: "is not a rewrite: expected FROM:TO, e.g. TERM:QUIT, or HUP:0 to drop it")
  }
  let from = try forwardable(parts[0])
  return parts[1].isSame(as: "0") ? (from, nil) : (from, try signal(parts[1]))
}

private func remap(_ text: String) throws(Unacceptable) -> ExitCodeRemap {
  let parts = text.parts(separatedBy: UInt8(ascii: ":"))
  guard parts.count <= 2, let from = wholeNumber(parts[0].utf8, upTo: 255),
    let to = parts.count == 1 ? 0 : wholeNumber(parts[1].utf8, upTo: 255)
  else { throw Unacceptable(reason: "is not a remap: expected CODE or CODE:TO, each 0 to 255, e.g. 143 or 143:0") }
  return ExitCodeRemap(from: from, to: to)
}

func port(_ text: String) throws(Unacceptable) -> UInt16 {
  guard let port = portNumber(text.utf8) else { throw Unacceptable(reason: "is not a port: expected 1 to 65535") }
  return port
}

func portList(_ text: String) throws(Unacceptable) -> [Port] {
  var ports: [Port] = []
  for part in text.parts(separatedBy: UInt8(ascii: ",")) {
    let words = part.parts(separatedBy: UInt8(ascii: "="))
    let speaks = words.count == 2 ? PortProtocol.allCases.first { $0.name.isSame(as: words[1]) } : nil
    guard words.count == 1 || speaks != nil, let number = portNumber(words[0].utf8) else {
      throw Unacceptable(
        reason: "is not a list of ports: expected PORT or PORT=PROTOCOL (http, https, h2c, grpc, ws, tcp), "
          + "e.g. 8080,8443=https")
    }
    if !ports.contains(where: { $0.number == number }) { ports.append(Port(number, speaks: speaks)) }
  }
  return ports
}

func drainMode(_ text: String) throws(Unacceptable) -> DrainMode {
  if text.isSame(as: "idle") { return .idle }
  if text.isSame(as: "zero") { return .zero }
  if text.isSame(as: "time") { return .time }
  throw Unacceptable(reason: "is not a drain mode: expected time, idle or zero")
}

func url(_ text: String) throws(Unacceptable) -> HTTPURL {
  guard let url = HTTPURL(text: text) else {
    if Array(text.utf8).starts(withLowercase: "https://") {
      throw Unacceptable(
        reason:
          "needs TLS, which ebb does not speak: use a plain HTTP port, a TCP check (--tcp, --ready-tcp), or a client "
          + "such as curl")
    }
    throw Unacceptable(reason: "is not a URL that ebb can ask: expected \(HTTPURL.expectation)")
  }
  return url
}

private func healthAddress(_ text: String) throws(Unacceptable) -> HealthAddress {
  guard let address = HealthAddress(text: text) else {
    throw Unacceptable(reason: "is not an address to listen on: expected e.g. 8086, 127.0.0.1:8086 or [::1]:8086")
  }
  return address
}

private func command(_ text: String) throws(Unacceptable) -> [String] {
  guard let words = words(of: text), let first = words.first, !first.utf8.isEmpty else {
    throw Unacceptable(reason: "is not a command: expected words, with each quote closed")
  }
  return words
}

private func path(_ text: String) throws(Unacceptable) -> String {
  guard text.starts(withText: "/") else {
    throw Unacceptable(reason: "is not an absolute path: expected e.g. /dev/termination-log")
  }
  return text
}

private func format(_ text: String) throws(Unacceptable) -> LogFormat {
  if text.isSame(as: "text") { return .text }
  if text.isSame(as: "json") { return .json }
  throw Unacceptable(reason: "is not a log format: expected text or json")
}

func flag(_ text: String) throws(Unacceptable) -> Bool {
  for yes in ["yes", "true", "on", "1"] where text.isSame(as: yes) { return true }
  for no in ["no", "false", "off", "0", ""] where text.isSame(as: no) { return false }
  throw Unacceptable(reason: "is not a yes or no: expected yes, true, on, 1 or no, false, off, 0")
}

private func level(_ text: String) throws(Unacceptable) -> Int {
  if let level = wholeNumber(text.utf8, upTo: 9) { return level }
  guard let isOn = try? flag(text) else {
    throw Unacceptable(reason: "is not a verbosity: expected yes, no or a number of 0 to 9")
  }
  return isOn ? 1 : 0
}

extension [String] {
  var joinedBySpaces: String {
    var text = ""
    for word in self { text += text.utf8.isEmpty ? word : " " + word }
    return text
  }
}
