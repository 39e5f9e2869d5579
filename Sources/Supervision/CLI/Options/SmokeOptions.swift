import HTTP
import Primitives

/// `ebb smoke`: its own options. All of the run form's come beside them and go to the supervisor. Filled in by the parser,
/// and then only read; a class, since copies of it are a kilobyte of code in each place.
package final class SmokeOptions: @unchecked Sendable {
  /// What is asked all the time: `--http` and `--tcp`, in the order given.
  package var targets: [ReadinessCheck] = []
  /// One request for this is under way at any time.
  package var slow: HTTPURL?
  /// Requests a second, all targets together.
  package var rate = 20
  /// For each request but the slow ones, which have all the time of the stop.
  package var timeout = TimeAmount.seconds(5)
  /// From ready to the stop signal.
  package var duration = TimeAmount.seconds(3)
  /// How long after the stop signal requests go on; nil: to the end of the delay.
  package var lag: TimeAmount?
  /// What the supervisor is sent; nil: the recognised server's stop signal, else the usual one.
  package var stopSignal: Signal?
  /// Nil: 0, or death by the stop signal.
  package var expectedExit: Int?
  /// The form of the report.
  package var format = SmokeFormat.text
  /// Where it goes; nil: to standard output, which gets the text otherwise.
  package var file: String?

  /// What the supervisor makes of its options and variables.
  package var run = RunOptions()
  /// Which of the words are the supervisor's.
  package private(set) var passedOn: [Int] = []

  init() {}

  /// These words are the supervisor's too. Several options may stand in one: `-gw`.
  func passOn(_ arguments: Range<Int>) {
    for word in arguments where word > passedOn.last ?? 0 { passedOn.append(word) }
  }

  /// From the start to ready.
  package var readyTimeout: TimeAmount { run.startupTimeout > .zero ? run.startupTimeout : .seconds(30) }

  /// Nothing is sent in the last tenth of a second of the delay, lest a request meets its end by chance: a load balancer
  /// that still sends then is too slow for that delay anyway.
  package var loadAfterStop: TimeAmount {
    lag ?? max(.zero, run.times.delay - min(.milliseconds(100), run.times.delay / 4))
  }

  /// From the stop signal to the moment by which the supervisor has ended whatever happens.
  package var longestStop: TimeAmount { run.times.terminationGracePeriod }
}

/// `--output`
package enum SmokeFormat: Sendable {
  case text, json, tap, junit
}

extension SmokeOptions {
  /// In the order of `--help`.
  package static let table: [OptionDefinition<SmokeOptions>] = [
    OptionDefinition(
      name: "http", value: "URL", help: "send requests here; 2xx and 3xx are good answers", repeatable: true
    ) {
      options, text throws(InvalidValue) in options.targets.append(.http(try parseURL(text)))
    },
    OptionDefinition(
      name: "tcp", value: "PORT", help: "open connections to this port of a loopback address", repeatable: true
    ) { options, text throws(InvalidValue) in options.targets.append(.tcp(port: try parsePort(text))) },
    OptionDefinition(
      name: "slow", value: "URL",
      help: "an answer that takes its time: two such requests, on a fresh connection and on a kept one, are under way "
        + "from before the stop signal to the end of the delay, and have all the time of the stop"
    ) { options, text throws(InvalidValue) in options.slow = try parseURL(text) },
    OptionDefinition(
      name: "rate", value: "N", defaultText: "20",
      help: "requests a second, half on fresh connections, half on kept ones"
    ) { options, text throws(InvalidValue) in
      guard let rate = parseDecimal(text.utf8, max: 1000), rate > 0 else {
        throw InvalidValue(reason: "is not a rate: expected 1 to 1000")
      }
      options.rate = rate
    },
    OptionDefinition(name: "timeout", value: "D", defaultText: "5s", help: "for each request") {
      options, text throws(InvalidValue) in options.timeout = try parseDuration(text)
    },
    OptionDefinition(name: "duration", value: "D", defaultText: "3s", help: "from ready to the stop signal") {
      options, text throws(InvalidValue) in options.duration = try parseDuration(text)
    },
    OptionDefinition(
      name: "lag", value: "D", defaultText: "the delay",
      help: "keep sending requests for D after the stop signal: how long your load balancer takes to drop an instance"
    ) { options, text throws(InvalidValue) in options.lag = try parseDuration(text) },
    OptionDefinition(
      name: "stop-signal", value: "SIG", defaultText: "auto",
      help: "the stop signal to send: what docker inspect -f '{{.Config.StopSignal}}' says (empty: auto); "
        + "auto: TERM, or the signal that the command itself takes for its graceful stop"
    ) { options, text throws(InvalidValue) in
      options.stopSignal = text.utf8.isEmpty || text.bytesEqual("auto") ? nil : try parseSignal(text)
    },
    OptionDefinition(
      name: "expect-exit", value: "CODE", defaultText: "0 or 143",
      help: "the exit code that is right; 143 is death by SIGTERM, and another one where --rewrite sends another signal"
    ) { options, text throws(InvalidValue) in
      guard let code = parseDecimal(text.utf8, max: 255) else {
        throw InvalidValue(reason: "is not an exit code: expected 0 to 255")
      }
      options.expectedExit = code
    },
    OptionDefinition(
      name: "output", value: "FORMAT[:FILE]", defaultText: "text",
      help: "the report as text, json, tap or junit; with FILE it goes there, and standard output gets the text"
    ) { options, text throws(InvalidValue) in try options.setOutput(text) },
  ]

  private func setOutput(_ text: String) throws(InvalidValue) {
    let name = text.split(onByte: UInt8(ascii: ":"))[0]
    switch true {
    case name.bytesEqual("text"): format = .text
    case name.bytesEqual("json"): format = .json
    case name.bytesEqual("tap"): format = .tap
    case name.bytesEqual("junit"): format = .junit
    default:
      throw InvalidValue(reason: "is not an output: expected text, json, tap or junit, and e.g. junit:report.xml")
    }
    let path = text.utf8.dropFirst(name.utf8.count + 1)
    file = path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
  }

  /// Throws where options do not go together.
  func check() throws(UsageError) {
    if let lag, lag > longestStop {
      throw UsageError(
        message: "--lag \(lag.description) is longer than --termination-grace-period \(longestStop.description)")
    }
    if lag != nil, targets.isEmpty { throw UsageError(message: "--lag needs --http or --tcp") }
  }

  /// What `--help` prints.
  static var help: String {
    """
    ebb smoke: starts COMMAND as ebb does, loads it, stops it, and says whether the shutdown was clean

    usage: ebb smoke [OPTION...] [--] COMMAND [ARG...]

    \(optionsHelp(table.map { $0.spec }))
    Every option of ebb itself and its variable (--delay, EBB_DELAY) goes to the supervisor: see ebb --help.
    Ready is what --ready-http and --ready-tcp say, else the first good answer of each --http and --tcp;
    by --startup-timeout, or within 30s. Without --http and --tcp only the process is looked at.

    Exit code: 0 every check passed or was skipped; 1 a check failed; 125 could not run.

    """
  }
}
