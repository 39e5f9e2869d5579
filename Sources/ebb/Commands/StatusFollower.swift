import CPlatform
import Platform
import Primitives
import Supervision

/// Prints the state now and at each change until the supervisor ends: as `options` say, without options a line without
/// a time. Throws as `readStatus`.
func follow(_ supervisor: StatusPageReader, _ options: StatusOptions?) throws(CommandError) {
  var shown: StatusSnapshot?
  while true {
    let hasEnded = supervisor.hasEnded(within: shown == nil ? .zero : .milliseconds(20))
    let status = try readStatus(supervisor)
    var state = status.snapshot
    // These change all the time during a stop. They are shown with the next other change.
    state.connections = nil
    state.stop?.traffic = TrafficReport()
    if state != shown {
      if let options, options.json || options.connections {
        try printOut(try statusReport(status, of: supervisor, options))
      } else {
        let time = options == nil ? "" : utcTimestamp(unixMilliseconds: unixMilliseconds()) + " "
        try printOut(Array("\(time)\(status.line(at: monotonicTime()))\n".utf8))
      }
    }
    shown = state
    if hasEnded { return }
  }
}
