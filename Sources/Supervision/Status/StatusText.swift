import LinuxFormats
import Primitives

extension Status {
  /// Formats `ebb status` for people. `pid` is the supervisor's in the caller's PID namespace; `processes` are its
  /// descendants, each followed by its own, empty if /proc does not provide them.
  package func text(pid: Int32, processes: [ProcessDetails], at now: Instant) -> String {
    let run = snapshot
    var text =
      "ebb \(info.version.printable), pid \(pid): \(run.phase.name) for \((now - run.since).approximate), "
      + "\(run.isReady(at: now) ? "ready" : "not ready")\n"
    func line(_ title: String, _ value: String) { text += title.padded(to: 10) + value + "\n" }

    line("command", commandText(in: processes, supervisor: pid))
    line("uptime", (now - info.startedAt).approximate)
    line("signals", "\(run.received) received, \(run.forwarded) forwarded")
    line("orphans", "\(run.reaped) reaped")
    if run.stop == nil, run.phase <= .serving {
      line("stop", planText(for: command(in: processes, supervisor: pid)))
    }
    if let connections = run.connections { line("clients", connections.text) }
    for (index, part) in deadlines(at: now).enumerated() { line(index == 0 ? "stop" : "", part) }
    for (index, part) in (run.stop?.trafficTexts ?? []).enumerated() { line(index == 0 ? "traffic" : "", part) }
    if !processes.isEmpty {
      text += "\n" + processTable(processes, signal: run.stop?.sends ?? info.forwardsAs ?? .sigterm)
    }
    let sentences = diagnosis(of: processes, supervisor: pid)
    if !sentences.isEmpty { text += "\n" }
    for sentence in sentences { text += sentence + "\n" }
    return text
  }

  /// Formats one line, without a line end, for `ebb stop --wait` and for `ebb status --watch` without a terminal.
  package func line(at now: Instant) -> String {
    let run = snapshot
    var text = "\(run.phase.name), \(run.isReady(at: now) ? "ready" : "not ready")"
    if case .exited(let code) = run.command { text += "; the command has exited with \(code)" }
    if run.phase < .exited { for part in deadlines(at: now).dropFirst() { text += "; " + part } }
    return text + "; \(run.received) received, \(run.forwarded) forwarded, \(run.reaped) reaped"
  }

  /// Formats one line for a supervisor if there are several.
  package func supervisorLine(pid: Int32, at now: Instant) -> String {
    let run = snapshot
    return
      "pid \(pid): \(run.phase.name), \(run.isReady(at: now) ? "ready" : "not ready"), \(info.argv.displayText)"
  }

  fileprivate func commandText(in processes: [ProcessDetails], supervisor: Int32) -> String {
    switch snapshot.command {
    case .notStarted: info.argv.displayText
    case .running(let pid):
      "pid \(command(in: processes, supervisor: supervisor)?.entry.pid ?? pid): \(info.argv.displayText)"
    case .exited(let code): "exited with \(code): \(info.argv.displayText)"
    }
  }

  /// The signal that began the stop, then the time left in each phase and until SIGKILL. Empty without a deadline.
  fileprivate func deadlines(at moment: Instant) -> [String] {
    var parts: [String] = []
    func left(until end: Instant) -> String { (end - moment).approximate }
    if let stop = snapshot.stop {
      parts.append("SIG\(stop.signal.name) came \((moment - stop.since).approximate) ago")
      if snapshot.phase == .delaying, stop.delayEndsAt < stop.forwardAt {
        parts.append("the delay ends in \(left(until: stop.delayEndsAt))")
      }
      let sent = stop.sends.map { "SIG\($0.name)" } ?? "no signal"
      if let forwardedAt = stop.forwardedAt {
        parts.append("the command was sent \(sent) \((moment - forwardedAt).approximate) ago")
      } else if snapshot.commandPid != nil {
        parts.append("\(sent) is forwarded in \(left(until: stop.forwardAt)) at the latest")
      }
    } else if snapshot.killAt != nil {
      parts.append("the command has exited; stopping leftover processes")
    }
    if snapshot.phase == .killing {
      parts.append("SIGKILL has been sent")
    } else if let killAt = snapshot.killAt {
      parts.append("\(snapshot.isOutOfReach ? "ebb exits" : "SIGKILL") in \(left(until: killAt))")
    }
    return parts
  }
}

extension StatusSnapshot.Stop {
  /// Empty if the connections were not counted.
  fileprivate var trafficTexts: [String] {
    guard let atStop = traffic.inFlightAtStop, let new = traffic.newConnections else { return [] }
    let atForward = traffic.inFlightAtForward.map { ", \($0) when the signal was forwarded" } ?? ""
    let lastConnection = traffic.lastConnection.map { ", the last at +\($0.approximate)" } ?? ""
    let lastRequest = traffic.lastRequest.map { "; last request at +\($0.approximate)" } ?? ""
    var texts = [
      "in flight: \(atStop) at the stop signal\(atForward)", "new connections: \(new)\(lastConnection)\(lastRequest)",
    ]
    if let ending = traffic.drainEndedBy { texts.append("drain ended by: \(ending.name)") }
    if let advice = traffic.advice(delay: delay) { texts.append(advice) }
    return texts
  }
}

// MARK: - The process table

private func processTable(_ processes: [ProcessDetails], signal: Signal) -> String {
  var rows = [["PID", "STATE", "MEMORY", "AGE", "SIG\(signal.name)", "NAME"]]
  for process in processes {
    rows.append([
      "\(process.entry.pid)", process.stateName, process.residentBytes.map { $0.asMemory } ?? "-",
      process.age.approximate,
      process.effect(of: signal).map { $0 == .defaultAction ? "default: dies" : $0.name } ?? "-",
      // Limit the indentation to 16 levels.
      String(repeating: "  ", count: min(process.depth, 16)) + process.name.printable,
    ])
  }
  return alignedColumns(rows, numbers: [0, 2, 3])
}

extension ProcessDetails {
  private static let stateNames: [(letter: String, name: String)] = [
    ("R", "running"), ("S", "sleeping"), ("D", "waiting"), ("T", "stopped"), ("t", "traced"), ("Z", "zombie"),
    ("I", "idle"), ("X", "dead"),
  ]

  /// The state's name. `waiting` is uninterruptible, even by SIGKILL.
  fileprivate var stateName: String {
    ProcessDetails.stateNames.first { $0.letter.bytesEqual(state) }?.name ?? state.printable
  }
}
