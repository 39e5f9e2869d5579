@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// A run of the lifecycle, event by event. Times are in milliseconds.
struct Scenario {
  var lifecycle: Lifecycle
  /// The lines logged so far.
  private(set) var records: [LogRecord] = []
  /// The termination message as JSON; empty before the end.
  private(set) var report = ""
  private let showsCounts: Bool
  private let showsSearches: Bool

  /// In a pod. The command is spawned at `start`, without a terminal unless `hasTerminal`; not spawned if `start` is `nil`.
  /// `showsCounts`, `showsSearches`: `at` returns the passes over connections, the searches for processes.
  init(
    start: Int? = 0, hasTerminal: Bool = false, showsCounts: Bool = false, showsSearches: Bool = false,
    _ change: (inout RunOptions) -> Void = { _ in }
  ) {
    var options = RunOptions()
    options.orchestrator = .kubernetes
    change(&options)
    lifecycle = Lifecycle(options)
    (self.showsCounts, self.showsSearches) = (showsCounts, showsSearches)
    if let start { at(start, .spawned(pid: 7, hasTerminal: hasTerminal)) }
  }

  /// A run that counts no connections and logs warnings only.
  static func quiet(
    start: Int? = 0, hasTerminal: Bool = false, showsSearches: Bool = false,
    _ change: (inout RunOptions) -> Void = { _ in }
  ) -> Scenario {
    Scenario(start: start, hasTerminal: hasTerminal, showsSearches: showsSearches) {
      ($0.quiet, $0.drain) = (true, .time)
      change(&$0)
    }
  }

  /// A run that counts connections. The stop signal is expected at 0, a second after the start.
  static func counting(_ change: (inout RunOptions) -> Void = { _ in }) -> Scenario {
    Scenario(start: -1000, showsCounts: true, change)
  }

  /// Returns the actions that follow from `event`, without those that `records` and `report` show.
  @discardableResult
  mutating func at(_ milliseconds: Int, _ event: Event) -> [Action] {
    lifecycle.handle(event, at: .at(milliseconds)).filter { action in
      switch action {
      case .log(let record):
        records.append(record)
        return false
      case .writeTerminationMessage(let record):
        report = record.json
        return false
      case .count: return showsCounts
      case .findChildren, .findGroup: return showsSearches
      default: return true
      }
    }
  }

  /// The command exits and leaves no process behind.
  @discardableResult
  mutating func exit(_ status: ExitStatus = .exited(code: 0), at milliseconds: Int) -> [Action] {
    at(milliseconds, .commandExited(status)) + at(milliseconds, .reapedAll(childrenRemain: false))
  }

  /// Stops at 0 and samples `traffic`, a function of the time, until the stop signal is forwarded. Returns that time.
  mutating func drain(_ traffic: (Int) -> ConnectionSample) -> Int? {
    var actions = at(0, .signal(.sigterm))
    var now = 0
    for _ in 0..<1000 {
      if actions.contains(stopCommand[0]) { return now }
      if actions.contains(where: { if case .count = $0 { true } else { false } }) {
        actions = at(now, .sampled(traffic(now)))
      } else {
        guard let wakeUp else { return nil }
        now = wakeUp
        actions = at(now, .timer)
      }
    }
    return nil
  }

  /// The first whole millisecond at which a deadline has passed; `nil` if there is no deadline.
  var wakeUp: Int? { lifecycle.wakeUp.map { ($0 - .at(0) + TimeAmount(nanoseconds: 999_999)).milliseconds } }

  /// The last line of an event, as JSON from the level on; `nil` if there is no such line.
  func line(_ event: String) -> String? {
    records.last { $0.event == event }.map { String($0.json.drop { $0 != "," }.dropFirst().dropLast()) }
  }

  /// How many lines of an event were logged.
  func count(_ event: String) -> Int { records.count { $0.event == event } }
}

let stopCommand: [Action] = [.send(.sigterm, to: .command), .send(.sigcont, to: .command)]
