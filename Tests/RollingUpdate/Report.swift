import TestSupport

/// The table of all runs, and the bars of this project.
struct Report {
  private let outcomes: [Outcome]
  private let schedule: Schedule
  private let bars: [Threshold]

  init(_ outcomes: [Outcome], _ schedule: Schedule) {
    (self.outcomes, self.schedule) = (outcomes, schedule)
    bars = judge(outcomes, schedule)
  }

  /// Whether a bar was missed.
  var missed: Bool { bars.contains { !$0.reached } }

  /// The report: the machine, the table, and a line for each bar.
  func text(markdown: Bool) -> String {
    let header = [
      "app", "lag", "how it is stopped", "requests", "errors", "by kind", "longest response", "whole update",
      "a termination",
    ]
    let table = Table(header, leading: 3, outcomes.map(line)).text(markdown: markdown)
    return "\(machine())\n\n\(table)\n\(bars.map(\.text).joined())"
  }

  private func line(_ outcome: Outcome) -> [String] {
    let run = outcome.run
    let longest = outcome.requests.map { $0.end - $0.start }.max() ?? 0
    let killed = outcome.hasKilled ? ", killed" : ""
    return [
      run.app.rawValue, seconds(run.lag), run.way.name, "\(outcome.requests.count)", "\(outcome.errors.count)",
      kinds(outcome.errors), inSeconds(longest), inSeconds(outcome.time),
      inSeconds(outcome.longestTermination) + killed,
    ]
  }

  private func kinds(_ errors: [Request]) -> String {
    let counts = RequestOutcome.allCases.map { fate in (fate, errors.filter { $0.fate == fate }.count) }
    let words = counts.filter { $0.1 > 0 }.map { "\($0.1) × \($0.0.rawValue)" }
    return words.isEmpty ? "–" : words.joined(separator: ", ")
  }
}

extension Outcome {
  /// Time of the whole update, in nanoseconds.
  var time: Int64 { end - begin }

  /// Whether SIGKILL ended a replica.
  var hasKilled: Bool { replacements.contains(where: \.wasKilled) }

  var longestTermination: Int64 { replacements.map { $0.gone - $0.stop }.max() ?? 0 }
}

/// A time as text: `12.3 s`.
func inSeconds(_ nanoseconds: Int64) -> String { "\(fixed(Double(nanoseconds) / 1e9, 1)) s" }

private func judge(_ outcomes: [Outcome], _ schedule: Schedule) -> [Threshold] {
  let ebb = outcomes.filter { $0.run.way.kind == .ebb }
  let requests = ebb.map(\.requests.count).reduce(0, +)
  let errors = ebb.map(\.errors.count).reduce(0, +)
  var bars = [
    Threshold(
      "under ebb no request fails, of \(schedule.fewestRequests) at least",
      measured: "\(errors) of \(requests) in \(ebb.count) updates",
      errors == 0 && requests >= schedule.fewestRequests)
  ]
  let early = outcomes.map { outcome in outcome.errors.filter { $0.end < outcome.begin }.count }.reduce(0, +)
  bars.append(Threshold("no request fails before an update", measured: "\(early)", early == 0))

  // Without errors here the experiment proves nothing.
  let exposed = outcomes.filter { $0.run.isExposed }
  let fewest = exposed.map(\.errors.count).min() ?? 0
  bars.append(Threshold("without a wait requests fail in each update", measured: "at least \(fewest)", fewest > 0))
  guard schedule.judgesTimes else { return bars }

  for app in schedule.apps {
    for lag in schedule.lags {
      let here = outcomes.filter { $0.run.app == app && $0.run.lag == lag }
      let byEbb = here.filter { $0.run.way.kind == .ebb }
      let bySleep = here.first { $0.run.way.kind == .sleep && $0.run.way.wait == schedule.sleep }
      guard let bySleep, let alike = byEbb.first(where: { $0.run.way.wait == schedule.sleep }),
        let fitted = byEbb.first(where: { $0.run.way.wait < schedule.sleep })
      else { continue }
      let place = "\(app.rawValue), lag \(seconds(lag))"
      bars.append(
        Threshold(
          "\(place): \(alike.run.way.name) takes no longer than a sleep of \(seconds(schedule.sleep))",
          measured: "\(inSeconds(alike.time)) to \(inSeconds(bySleep.time))", alike.time <= bySleep.time + tolerance))
      bars.append(
        Threshold(
          "\(place): \(fitted.run.way.name) is faster than a sleep of \(seconds(schedule.sleep))",
          measured: "\(inSeconds(fitted.time)) to \(inSeconds(bySleep.time))", fitted.time < bySleep.time))
    }
  }
  return bars
}

/// Allowance for the start of three replicas on a busy machine, in nanoseconds.
private let tolerance: Int64 = 500_000_000

extension Run {
  /// Whether requests must fail in this run. An app without signal handling that is process 1 is an exception: the kernel
  /// drops the signal (pid_namespaces(7)), so it serves until SIGKILL at the end of the grace period.
  fileprivate var isExposed: Bool { way.kind == .tini || way.kind == .noInit && app == .nginx }
}
