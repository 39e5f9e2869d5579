/// What `ebb status` prints for a person. `pid` is the supervisor's in the pid namespace of whoever asks; `processes`
/// are its descendants, each followed by its own, none where /proc does not say.
package func statusText(_ status: Status, pid: Int32, processes: [ProcessDetails], at now: Instant) -> String {
  let run = status.now
  var text =
    "ebb \(status.facts.version.printable), pid \(pid): \(run.phase.name) for \((now - run.since).rough), "
    + "\(run.isReady(at: now) ? "ready" : "not ready")\n"
  func line(_ title: String, _ value: String) { text += title.padded(to: 10) + value + "\n" }

  line("command", status.commandText(in: processes, supervisor: pid))
  line("uptime", (now - status.facts.startedAt).rough)
  line("signals", "\(run.received) received, \(run.forwarded) forwarded")
  line("orphans", "\(run.reaped) reaped")
  if run.stop == nil, run.phase <= .serving {
    line("stop", status.planText(for: status.command(in: processes, supervisor: pid)))
  }
  if let connections = run.connections { line("clients", connections.text) }
  for (index, part) in status.deadlines(at: now).enumerated() { line(index == 0 ? "stop" : "", part) }
  for (index, part) in (run.stop?.trafficTexts ?? []).enumerated() { line(index == 0 ? "traffic" : "", part) }
  if !processes.isEmpty {
    text += "\n" + processTable(processes, signal: run.stop?.sends ?? status.facts.forwardsAs ?? .terminate)
  }
  let sentences = status.diagnosis(of: processes, supervisor: pid)
  if !sentences.isEmpty { text += "\n" }
  for sentence in sentences { text += sentence + "\n" }
  return text
}

/// What `ebb status --watch` prints for each change where no terminal is, and `ebb stop --wait`: one line without its
/// end.
package func statusLine(_ status: Status, at now: Instant) -> String {
  let run = status.now
  var text = "\(run.phase.name), \(run.isReady(at: now) ? "ready" : "not ready")"
  if case .exited(let code) = run.command { text += "; the command has exited with \(code)" }
  if run.phase < .exited { for part in status.deadlines(at: now).dropFirst() { text += "; " + part } }
  return text + "; \(run.received) received, \(run.forwarded) forwarded, \(run.reaped) reaped"
}

/// One line for one of several supervisors.
package func supervisorLine(_ status: Status, pid: Int32, at now: Instant) -> String {
  let run = status.now
  return "pid \(pid): \(run.phase.name), \(run.isReady(at: now) ? "ready" : "not ready"), \(status.facts.argv.shown)"
}

extension Status {
  fileprivate func commandText(in processes: [ProcessDetails], supervisor: Int32) -> String {
    switch now.command {
    case .notStarted: facts.argv.shown
    case .running(let pid):
      "pid \(command(in: processes, supervisor: supervisor)?.entry.pid ?? pid): \(facts.argv.shown)"
    case .exited(let code): "exited with \(code): \(facts.argv.shown)"
    }
  }

  /// What has begun the stop, then the time left in each phase and to SIGKILL. Empty before a stop, while no deadline
  /// runs.
  fileprivate func deadlines(at moment: Instant) -> [String] {
    var parts: [String] = []
    func left(until end: Instant) -> String { (end - moment).rough }
    if let stop = now.stop {
      parts.append("SIG\(stop.signal.name) came \((moment - stop.since).rough) ago")
      if now.phase == .delaying, stop.delayEndsAt < stop.forwardAt {
        parts.append("the delay ends in \(left(until: stop.delayEndsAt))")
      }
      let sent = stop.sends.map { "SIG\($0.name)" } ?? "no signal"
      if let forwardedAt = stop.forwardedAt {
        parts.append("the command was sent \(sent) \((moment - forwardedAt).rough) ago")
      } else if now.commandPid != nil {
        parts.append("the command gets \(sent) in \(left(until: stop.forwardAt)) at the latest")
      }
    } else if now.killAt != nil {
      parts.append("the command has exited and its leftovers are ending")
    }
    if now.phase == .killing {
      parts.append("SIGKILL has been sent")
    } else if let killAt = now.killAt {
      parts.append("\(now.isOutOfReach ? "ebb exits" : "SIGKILL") in \(left(until: killAt))")
    }
    return parts
  }
}

extension StatusSnapshot.Stop {
  /// Empty where nobody has counted.
  fileprivate var trafficTexts: [String] {
    guard let atStop = traffic.inFlightAtStop, let new = traffic.newConnections else { return [] }
    let atForward = traffic.inFlightAtForward.map { ", \($0) when the command was told" } ?? ""
    let lastConnection = traffic.lastConnection.map { ", the last at +\($0.rough)" } ?? ""
    let lastRequest = traffic.lastRequest.map { "; last request at +\($0.rough)" } ?? ""
    var texts = [
      "in flight: \(atStop) at the stop signal\(atForward)", "new connections: \(new)\(lastConnection)\(lastRequest)",
    ]
    if let ending = traffic.drainEndedBy { texts.append("what ended the drain: \(ending.name)") }
    if let advice = traffic.advice(delay: delay) { texts.append(advice) }
    return texts
  }
}

// MARK: - The table

private func processTable(_ processes: [ProcessDetails], signal: Signal) -> String {
  var rows = [["PID", "STATE", "MEMORY", "AGE", "SIG\(signal.name)", "NAME"]]
  for process in processes {
    rows.append([
      "\(process.entry.pid)", process.stateName, process.residentBytes.map { $0.asMemory } ?? "-", process.age.rough,
      process.effect(of: signal).map { $0 == .standard ? "default: dies" : $0.name } ?? "-",
      // Deeper down the numbers have to do.
      String(repeating: "  ", count: min(process.depth, 16)) + process.name.printable,
    ])
  }
  return columns(rows, numbers: [0, 2, 3])
}

/// Cells under each other: numbers to the right, all else to the left.
func columns(_ rows: [[String]], numbers: [Int]) -> String {
  let widths = (0..<rows[0].count).map { column in rows.reduce(0) { max($0, $1[column].utf8.count) } }
  var text = ""
  for row in rows {
    for (column, cell) in row.enumerated() {
      let space = String(repeating: " ", count: widths[column] - cell.utf8.count)
      text += column == row.count - 1 ? cell : (numbers.contains(column) ? space + cell : cell + space) + "  "
    }
    text += "\n"
  }
  return text
}

extension ProcessDetails {
  private static let stateNames: [(letter: String, name: String)] = [
    ("R", "running"), ("S", "sleeping"), ("D", "waiting"), ("T", "stopped"), ("t", "traced"), ("Z", "zombie"),
    ("I", "idle"), ("X", "dead"),
  ]

  /// `waiting` cannot be interrupted, by SIGKILL neither.
  fileprivate var stateName: String {
    ProcessDetails.stateNames.first { $0.letter.isSame(as: state) }?.name ?? state.printable
  }
}

extension Int {
  /// Bytes as `50.1 MiB`.
  fileprivate var asMemory: String {
    if self < 1 << 20 { return "\(self >> 10) KiB" }
    let (tenths, unit) = self < 1 << 30 ? (((self >> 10) * 10) >> 10, "MiB") : (((self >> 20) * 10) >> 10, "GiB")
    return "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}

extension Span {
  /// As much as a person needs, rounded: `3.8s`, `42s`, `1m21s`, `2h05m`, `3d4h`; a time that is over is `0.0s`.
  package var rough: String {
    let milliseconds = max(0, milliseconds)
    let tenths = (milliseconds + 50) / 100
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10)s" }
    let seconds = (milliseconds + 500) / 1000
    func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds < 60 { return "\(seconds)s" }
    if seconds < 3600 { return "\(seconds / 60)m\(twoDigits(seconds % 60))s" }
    if seconds < 86_400 { return "\(seconds / 3600)h\(twoDigits(seconds / 60 % 60))m" }
    return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
  }
}

// MARK: - Words that others chose

extension String {
  /// For a terminal: what it would act on, or what turns the order of characters about, as `\u{1b}`. Names of processes
  /// and arguments may hold anything.
  package var printable: String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isHarmless {
        text.unicodeScalars.append(scalar)
      } else {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  fileprivate var isHarmless: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0: false  // C0, DEL, C1
    case 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: false  // direction and what has no width
    default: true
    }
  }
}

extension [String] {
  /// A command line to read, not to paste.
  fileprivate var shown: String {
    map { word in
      let isPlain = !word.utf8.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
      return isPlain ? word.printable : "\"\(word.printable)\""
    }.joinedBySpaces
  }
}
