import Primitives

extension ConnectionSample {
  /// The counts are counts. Else they are unknown.
  var isCounted: Bool { source != .none && portSource != .unknown && portSource != .uncountable }

  /// For the log.
  var fields: [(String, FieldValue)] {
    [("source", .text(source.name)), ("ports", .list(ports.map { .number(Int($0)) }))] + countFields
  }

  /// For the log; empty where nothing could be counted.
  var countFields: [(String, FieldValue)] {
    guard isCounted else { return [] }
    return [
      ("in_flight", .number(counts.inFlight)), ("busy", .number(counts.busy)), ("idle", .number(counts.idle)),
    ]
  }

  /// What somebody who relies on the count has to know; nil: nothing.
  package var warning: String? {
    let (level, sentence) = explanation
    return level == .warning ? sentence : nil
  }

  private var denial: String {
    isDenied ? " (/proc/PID/fd of another user's process is not readable without the capability SYS_PTRACE)" : ""
  }

  /// What there is to say about how it was counted.
  var explanation: (LogLevel, String) {
    switch (source, portSource) {
    case (.none, _): (.warning, "connections cannot be counted here: only the delay and the bounds hold")
    case (_, .none): (.info, "the command listens on nothing, so there is no traffic to lose: no delay, no drain")
    case (_, .uncountable):
      (.warning, "the command listens on UDP or UNIX sockets, whose clients cannot be counted: only the delay holds")
    case (_, .unknown):
      (
        .warning,
        "cannot tell whether the command listens\(denial): the drain goes on to its bound; --ports names its ports"
      )
    case (_, .all):
      (
        .warning,
        "cannot tell whose the listening sockets are\(denial): all in this network namespace count; --ports names some"
      )
    case (.diagWithInfo, _): (.info, "the connections of the command's ports are counted")
    default:
      (.warning, "no ages of connections here: an idle one looks busy, and the drain may go on to its bound")
    }
  }
}
