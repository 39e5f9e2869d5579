import Primitives

extension OptionDefinition {
  init(drainTimeout set: @escaping @Sendable (inout Options, TimeAmount) -> Void, defaultText: String) {
    self.init(
      name: "drain-timeout", value: "D", defaultText: defaultText, parse: parseDuration,
      help: "upper bound of that wait", set: set)
  }

  init(drainQuiet set: @escaping @Sendable (inout Options, TimeAmount) -> Void, defaultText: String) {
    self.init(
      name: "drain-quiet", value: "D", defaultText: defaultText, parse: parseDuration,
      help: "idle: no new connection and no inbound byte for this long", set: set)
  }

  init(pid set: @escaping @Sendable (inout Options, Int32) -> Void) {
    self.init(
      name: "pid", value: "N", defaultText: "found", parse: parsePID,
      help: "the supervisor's pid, where there are several", set: set)
  }
}
