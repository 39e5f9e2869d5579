/// What `ebb status --json` and the health endpoint's `/status` answer, on one line: keys may be added, and none
/// renamed. `pid` is the supervisor's in the pid namespace of whoever asks, `processes` are its descendants.
public func statusJSON(_ status: Status, pid: Int32, processes: [ProcessDetails], at now: Instant) -> [UInt8] {
  let run = status.now
  var bytes: [UInt8] = []
  bytes.appendJSON([
    .init("schema", .number(1)),
    .init("version", .text(status.facts.version)),
    .init("pid", .number(Int(pid))),
    .init("phase", .text(run.phase.name)),
    .init("ready", .flag(run.isReady(at: now))),
    .init("uptime_ms", .span(max(.zero, now - status.facts.startedAt))),
    .init(
      "command",
      .object([
        .init("pid", .pid(status.command(in: processes, supervisor: pid)?.entry.pid ?? run.commandPid)),
        .init("argv", .list(status.facts.argv.map { .text($0) })),
      ])),
    .init("stop", run.stop.map { .object(facts(of: $0, killAt: run.killAt, at: now)) } ?? .null),
    .init("reaped", .number(run.reaped)),
    .init("connections", .null),
    .init("processes", .list(processes.map { .object(facts(of: $0)) })),
  ])
  bytes.append("\n")
  return bytes
}

private func facts(of stop: StatusSnapshot.Stop, killAt: Instant?, at now: Instant) -> [LogRecord.Fact] {
  [
    .init("signal", .text(stop.signal.name)),
    .init("since_ms", .span(max(.zero, now - stop.since))),
    .init("forward_in_ms", stop.forwardedAt == nil ? .span(max(.zero, stop.forwardAt - now)) : .null),
    .init("kill_in_ms", .span(killAt.map { max(.zero, $0 - now) })),
  ]
}

private func facts(of process: ProcessDetails) -> [LogRecord.Fact] {
  [
    .init("pid", .number(Int(process.entry.pid))),
    .init("ppid", .number(Int(process.entry.parent))),
    .init("name", .text(process.name)),
    .init("state", .text(process.state)),
    .init("rss_bytes", process.residentBytes.map { .number($0) } ?? .null),
    .init("age_ms", .span(process.age)),
    .init("term", process.effect(of: .terminate).map { .text($0.name) } ?? .null),
  ]
}

extension FactValue {
  fileprivate static func pid(_ pid: Int32?) -> FactValue { pid.map { .number(Int($0)) } ?? .null }
}
