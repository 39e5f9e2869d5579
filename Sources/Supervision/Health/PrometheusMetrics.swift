import Primitives

extension Status {
  /// Encodes the state of a run in Prometheus's text format; https://prometheus.io/docs/instrumenting/exposition_formats.
  package func prometheusMetrics(at now: Instant) -> [UInt8] {
    let state = snapshot
    var text = MetricsText()
    text.add("ebb_info", "gauge", "The version of the supervisor.", "1", labels: "version=\"\(info.version)\"")
    text.describe("ebb_phase", "gauge", "1 for the phase that the run is in, 0 for the others.")
    for phase in Phase.allCases {
      text.add("ebb_phase", phase == state.phase ? "1" : "0", labels: "phase=\"\(phase.name)\"")
    }
    text.add("ebb_phase_seconds", "gauge", "Time since the phase was entered.", seconds(now - state.since))
    text.add("ebb_ready", "gauge", "Whether traffic may come.", state.isReady(at: now) ? "1" : "0")
    let uptime = now - info.startedAt
    text.add("ebb_uptime_seconds", "gauge", "Time since the supervisor was started.", seconds(uptime))
    text.add("ebb_signals_received_total", "counter", "Signals that came to the supervisor.", "\(state.received)")
    text.add("ebb_signals_forwarded_total", "counter", "Signals sent to the command.", "\(state.forwarded)")
    text.add("ebb_orphans_reaped_total", "counter", "Orphaned processes that were reaped.", "\(state.reaped)")
    text.describe(
      "ebb_deadline_seconds", "gauge",
      "In a stop, the time left until the stop signal is forwarded at the latest, and until SIGKILL; negative: passed.")
    if let stop = state.stop, stop.forwardedAt == nil, state.phase < .stopping {
      text.add("ebb_deadline_seconds", seconds(stop.forwardAt - now), labels: "deadline=\"forward\"")
    }
    if let killAt = state.killAt {
      text.add("ebb_deadline_seconds", seconds(killAt - now), labels: "deadline=\"kill\"")
    }
    return text.bytes
  }
}

private struct MetricsText {
  var bytes: [UInt8] = []

  mutating func describe(_ name: String, _ type: String, _ help: String) {
    bytes.append("# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
  }

  mutating func add(_ name: String, _ value: String, labels: String) { bytes.append("\(name){\(labels)} \(value)\n") }

  /// Adds a metric with a single sample.
  mutating func add(_ name: String, _ type: String, _ help: String, _ value: String, labels: String? = nil) {
    describe(name, type, help)
    bytes.append("\(name)\(labels.map { "{\($0)}" } ?? "") \(value)\n")
  }
}

/// Formats seconds with milliseconds: `12.345`.
private func seconds(_ span: TimeAmount) -> String {
  let milliseconds = span.milliseconds
  let size = milliseconds.magnitude
  let fraction = "\(1000 + size % 1000)".utf8.dropFirst()
  return "\(milliseconds < 0 ? "-" : "")\(size / 1000).\(String(decoding: fraction, as: UTF8.self))"
}
