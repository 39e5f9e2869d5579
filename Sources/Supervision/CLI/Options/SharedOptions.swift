extension Option {
  /// `--drain-timeout`
  init(drainTimeout set: @escaping @Sendable (inout Options, Span) -> Void, standard: String) {
    self.init(name: "drain-timeout", value: "D", standard: standard, help: "upper bound of that wait") {
      options, text throws(Unacceptable) in set(&options, try span(text))
    }
  }

  /// `--drain-quiet`
  init(drainQuiet set: @escaping @Sendable (inout Options, Span) -> Void, standard: String) {
    self.init(
      name: "drain-quiet", value: "D", standard: standard,
      help: "idle: no new connection and no inbound byte for this long"
    ) { options, text throws(Unacceptable) in set(&options, try span(text)) }
  }

  /// `--pid`
  init(pid set: @escaping @Sendable (inout Options, Int32) -> Void) {
    self.init(name: "pid", value: "N", standard: "found", help: "the supervisor's pid, where there are several") {
      options, text throws(Unacceptable) in
      guard let pid = wholeNumber(text.utf8, upTo: Int(Int32.max)), pid > 0 else {
        throw Unacceptable(reason: "is not a pid: expected a number from 1 on")
      }
      set(&options, Int32(pid))
    }
  }
}
