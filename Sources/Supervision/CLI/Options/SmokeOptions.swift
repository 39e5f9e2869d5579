import HTTP
import Primitives

/// The options of `ebb smoke`. The options of a run may be given too and are passed to the supervisor. The parser fills
/// them in, then they are only read. This is a class, because a copy of the struct took 1 kB of code in each place.
package final class SmokeOptions: @unchecked Sendable {
  /// `--http` and `--tcp` in the order given: the targets of the load.
  package var targets: [ReadinessCheck] = []
  /// The URL of a slow response; requests to it are in flight at any time.
  package var slow: HTTPURL?
  /// Requests per second, all targets together.
  package var rate = 20
  /// The time limit of each request, except the slow ones, which may take until the end of the stop.
  package var timeout = TimeAmount.seconds(5)
  /// The time from ready to the stop signal.
  package var duration = TimeAmount.seconds(3)
  /// How long to send requests after the stop signal; `nil` for the delay.
  package var lag: TimeAmount?
  /// The signal to send to the supervisor; `nil` for the recognised server's stop signal, else the usual one.
  package var stopSignal: Signal?
  /// `nil` for 0 or death by the stop signal.
  package var expectedExit: Int?
  package var format = SmokeFormat.text
  /// The file for the report; standard output then gets the text. `nil` for standard output.
  package var file: String?

  /// The supervisor's options, from its arguments and variables.
  package var run = RunOptions()
  /// The indices of the arguments that are passed to the supervisor.
  package private(set) var passedOn: [Int] = []

  init() {}

  /// Passes these arguments to the supervisor too. One argument may contain several options: `-gw`.
  func passOn(_ arguments: Range<Int>) {
    for word in arguments where word > passedOn.last ?? 0 { passedOn.append(word) }
  }

  /// The time limit from the start to ready.
  package var readyTimeout: TimeAmount { run.startupTimeout > .zero ? run.startupTimeout : .seconds(30) }

  /// How long the load continues after the stop signal. It ends 100 ms before the delay does, so that no request fails
  /// by chance at the end: a load balancer that still sends then is too slow for this delay anyway.
  package var loadAfterStop: TimeAmount {
    lag ?? max(.zero, run.times.delay - min(.milliseconds(100), run.times.delay / 4))
  }

  /// The time from the stop signal until the supervisor has ended in any case.
  package var longestStop: TimeAmount { run.times.terminationGracePeriod }
}

/// `--output`
package enum SmokeFormat: Sendable {
  case text, json, tap, junit
}

extension SmokeOptions {
  /// The options in the order of `--help`.
  package static let table: [OptionDefinition<SmokeOptions>] = [
    OptionDefinition(
      name: "http", value: "URL", parse: parseURL,
      help: "send requests here; 2xx and 3xx are good answers", repeatable: true
    ) { $0.targets.append(.http($1)) },
    OptionDefinition(
      name: "tcp", value: "PORT", parse: parsePort,
      help: "open connections to this port of a loopback address", repeatable: true
    ) { $0.targets.append(.tcp(port: $1)) },
    OptionDefinition(
      name: "slow", value: "URL", parse: parseURL,
      help: "an answer that takes its time: two such requests, on a fresh connection and on a kept one, are under way "
        + "from before the stop signal to the end of the delay, and have all the time of the stop"
    ) { $0.slow = $1 },
    OptionDefinition(
      name: "rate", value: "N", defaultText: "20",
      help: "requests a second, half on fresh connections, half on kept ones"
    ) { options, text throws(InvalidValue) in
      guard let rate = parseDecimal(text.utf8, max: 1000), rate > 0 else {
        throw InvalidValue(reason: "is not a rate: expected 1 to 1000")
      }
      options.rate = rate
    },
    OptionDefinition(
      name: "timeout", value: "D", defaultText: "5s", parse: parseDuration, help: "for each request"
    ) { $0.timeout = $1 },
    OptionDefinition(
      name: "duration", value: "D", defaultText: "3s", parse: parseDuration, help: "from ready to the stop signal"
    ) { $0.duration = $1 },
    OptionDefinition(
      name: "lag", value: "D", defaultText: "the delay", parse: parseDuration,
      help: "keep sending requests for D after the stop signal: how long your load balancer takes to drop an instance"
    ) { $0.lag = $1 },
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

  /// Throws `UsageError` for options that exclude or need each other.
  func check() throws(UsageError) {
    if let lag, lag > longestStop {
      throw UsageError(
        message: "--lag \(lag.description) is longer than --termination-grace-period \(longestStop.description)")
    }
    if lag != nil, targets.isEmpty { throw UsageError(message: "--lag needs --http or --tcp") }
  }

  /// The output of `--help`.
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
