import Primitives

extension OptionDefinition {
  init(drainTimeout set: @escaping @Sendable (inout Options, TimeAmount) -> Void, defaultText: String) {
    self.init(name: "drain-timeout", value: "D", defaultText: defaultText, help: "upper bound of that wait") {
      options, text throws(InvalidValue) in set(&options, try parseDuration(text))
    }
  }

  init(drainQuiet set: @escaping @Sendable (inout Options, TimeAmount) -> Void, defaultText: String) {
    self.init(
      name: "drain-quiet", value: "D", defaultText: defaultText,
      help: "idle: no new connection and no inbound byte for this long"
    ) { options, text throws(InvalidValue) in set(&options, try parseDuration(text)) }
  }

  init(pid set: @escaping @Sendable (inout Options, Int32) -> Void) {
    self.init(name: "pid", value: "N", defaultText: "found", help: "the supervisor's pid, where there are several") {
      options, text throws(InvalidValue) in
      guard let pid = parseDecimal(text.utf8, max: Int(Int32.max)), pid > 0 else {
        throw InvalidValue(reason: "is not a pid: expected a number from 1 on")
      }
      set(&options, Int32(pid))
    }
  }
}
