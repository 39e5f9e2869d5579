import CPlatform
import Platform
import Primitives
import Supervision

/// Prints the state, now and when it has changed, until the supervisor has ended: as `options` ask for it; without any a line
/// that bears no time.
func follow(_ supervisor: StatusPageReader, _ options: StatusOptions?) throws(CommandError) {
  var shown: StatusSnapshot?
  while true {
    let hasEnded = supervisor.hasEnded(within: shown == nil ? 0 : 20)
    let status = try readStatus(supervisor)
    var state = status.snapshot
    // In a stop these change all the time, and are shown with the next change of the rest.
    state.connections = nil
    state.stop?.traffic = TrafficReport()
    if state != shown {
      if let options, options.json || options.connections {
        try printOut(try statusReport(status, of: supervisor, options))
      } else {
        let time = options == nil ? "" : utcTimestamp(unixMilliseconds: unixMilliseconds()) + " "
        try printOut(Array("\(time)\(statusLine(status, at: monotonicTime()))\n".utf8))
      }
    }
    shown = state
    if hasEnded { return }
  }
}
