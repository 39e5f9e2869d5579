import Primitives

extension ConnectionSample {
  /// Whether the counts are known.
  var isCounted: Bool { source != .none && portSource != .unknown && portSource != .uncountable }

  /// Fields of the log line.
  var fields: [(String, FieldValue)] {
    [("source", .text(source.name)), ("ports", .list(ports.map { .number(Int($0)) }))] + countFields
  }

  /// Counts for the log; empty if they are unknown.
  var countFields: [(String, FieldValue)] {
    guard isCounted else { return [] }
    return [
      ("in_flight", .number(counts.inFlight)), ("busy", .number(counts.busy)), ("idle", .number(counts.idle)),
    ]
  }

  /// A warning that the counts are less reliable than usual, or `nil`.
  package var warning: String? {
    let (level, sentence) = explanation
    return level == .warning ? sentence : nil
  }

  private var denial: String {
    isDenied ? " (/proc/PID/fd of another user's process is not readable without the capability SYS_PTRACE)" : ""
  }

  /// A level and a message on how the connections were counted.
  var explanation: (LogLevel, String) {
    switch (source, portSource) {
    case (.none, _): (.warning, "cannot count connections on this system; only the delay and the timeouts apply")
    case (_, .none): (.info, "the command has no listening sockets; skipping delay and drain")
    case (_, .uncountable):
      (
        .warning,
        "the command only listens on UDP or UNIX sockets, whose clients cannot be counted; only the delay applies"
      )
    case (_, .unknown):
      (
        .warning,
        "cannot determine which ports the command listens on\(denial): draining until --drain-timeout; set --ports"
      )
    case (_, .all):
      (
        .warning,
        "cannot determine which process owns the listening sockets\(denial): counting all in this network namespace; set --ports"
      )
    case (.diagWithInfo, _): (.info, "counting connections on the command's ports")
    default:
      (
        .warning,
        "the kernel does not report connection ages: idle connections count as busy, and draining may take until --drain-timeout"
      )
    }
  }
}
