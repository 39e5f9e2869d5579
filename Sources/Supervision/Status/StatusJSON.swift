import LinuxFormats
import Primitives

extension Status {
  /// Encodes `ebb status --json` and the health endpoint's `/status` on one line; keys may be added but not renamed.
  /// `pid` is the supervisor's in the caller's PID namespace, `processes` are its descendants, `list` has each connection
  /// if requested. Without `processes` the arguments are omitted too, to keep command lines off the network.
  package func json(pid: Int32, processes: [ProcessDetails]?, list: [Connection]? = nil, at now: Instant) -> [UInt8] {
    let run = snapshot
    let command = command(in: processes ?? [], supervisor: pid)
    return [UInt8](jsonLine: [
      .init("schema", .number(1)),
      .init("version", .text(info.version)),
      .init("pid", .number(Int(pid))),
      .init("phase", .text(run.phase.name)),
      .init("ready", .flag(run.isReady(at: now))),
      .init("uptime_ms", .span(max(.zero, now - info.startedAt))),
      .init(
        "command",
        .object([
          .init("pid", .pid(command?.entry.pid ?? run.commandPid)),
          .init("argv", processes == nil ? .null : .list(info.argv.map { .text($0) })),
        ])),
      .init("stop", run.stop.map { .object(fields(of: $0, run, at: now)) } ?? .null),
      .init("reaped", .number(run.reaped)),
      .init("plan", planFields(for: command)),
      .init("out_of_reach", .flag(run.isOutOfReach)),
      .init("connections", run.connections.map { .object(fields(of: $0, list, quiet: info.drainQuiet)) } ?? .null),
      .init("processes", processes.map { .list($0.map { .object(fields(of: $0)) }) } ?? .null),
    ])
  }
}

private func fields(of stop: StatusSnapshot.Stop, _ run: StatusSnapshot, at now: Instant) -> [LogRecord.Field] {
  func left(until moment: Instant?) -> FieldValue { .span(moment.map { max(.zero, $0 - now) }) }
  let isPast = run.phase >= .stopping  // forwarded, or the command has exited
  let info: [LogRecord.Field] = [
    .init("signal", .text(stop.signal.name)),
    .init("since_ms", .span(max(.zero, now - stop.since))),
    // The earliest moment during the delay, else the latest one.
    .init("forward_in_ms", left(until: isPast ? nil : run.phase == .delaying ? stop.delayEndsAt : stop.forwardAt)),
    .init("kill_in_ms", left(until: run.killAt)),
    .init("forward_at_latest_in_ms", left(until: isPast ? nil : stop.forwardAt)),
    .init("sends", .signal(stop.sends)),
    .init("drain_ended_by", stop.traffic.drainEndedBy.map { .text($0.name) } ?? .null),
  ]
  return info + stop.traffic.fields(delay: stop.delay).map { LogRecord.Field($0.0, $0.1) }
}

private func fields(
  of connections: StatusSnapshot.Connections, _ list: [Connection]?, quiet: TimeAmount
) -> [LogRecord.Field] {
  return [
    .init("source", .text(connections.source.name)),
    .init("ports", .list(connections.ports.map { .number(Int($0)) })),
    .init("busy", .count(connections.busy)),
    .init("idle", .count(connections.idle)),
    .init("classes", .object(connections.classes.map { .init($0.class.name, .number($0.count)) })),
    .init("list", list.map { .list($0.map { .object($0.fields(quiet: quiet)) }) } ?? .null),
  ]
}

private func fields(of process: ProcessDetails) -> [LogRecord.Field] {
  [
    .init("pid", .number(Int(process.entry.pid))),
    .init("ppid", .number(Int(process.entry.parent))),
    .init("name", .text(process.name)),
    .init("state", .text(process.state)),
    .init("rss_bytes", process.residentBytes.map { .number($0) } ?? .null),
    .init("age_ms", .span(process.age)),
    .init("term", process.effect(of: .sigterm).map { .text($0.name) } ?? .null),
  ]
}

extension FieldValue {
  fileprivate static func pid(_ pid: Int32?) -> FieldValue { pid.map { .number(Int($0)) } ?? .null }
}
