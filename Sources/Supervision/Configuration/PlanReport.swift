import Primitives

/// The output of `ebb plan`: the timeline of a stop with given options.
package struct PlanReport: Sendable {
  private let options: RunOptions
  private let times: StopTimes
  private let warnings: [String]

  /// `unknownVariables` are the warnings about those.
  package init(_ options: RunOptions, unknownVariables: [String]) {
    self.options = options
    times = options.times
    warnings = unknownVariables + (times.warning(options).map { [$0] } ?? [])
  }

  /// The latest moment of forwarding, after the delay and the drain.
  private var forwardIn: TimeAmount { times.delay + (options.drain == .time ? .zero : times.drainTimeout) }
  /// The latest moment of ebb's SIGKILL.
  private var killIn: TimeAmount { min(times.killIn, options.grace.map { forwardIn + $0 } ?? times.killIn) }

  /// An event of the stop, and the options that determine its time.
  private struct Moment {
    let event: String
    let at: TimeAmount
    let text: String
    let values: [Value]
  }

  /// An option's value and its origin.
  private struct Value {
    let name: String
    let span: TimeAmount?
    let origin: StopPlan.Origin

    /// `delay 1.6s (fitted)`
    var text: String { "\(name) \(span.map { $0.inTenths } ?? "not given") (\(origin.name))" }
  }

  private var delay: Value { value("delay", given: options.delay, times.delay, usual: .seconds(5)) }
  private var drainTimeout: Value {
    value("drain-timeout", given: options.drainTimeout, times.drainTimeout, usual: .seconds(10))
  }
  private var drainQuiet: Value {
    value("drain-quiet", given: options.drainQuiet, times.drainQuiet, usual: .seconds(2))
  }
  private var grace: Value { value("grace", given: options.grace, options.grace) }
  private var gracePeriod: Value {
    Value(
      name: "termination-grace-period", span: times.terminationGracePeriod, origin: StopPlan(options).gracePeriodFrom)
  }
  private var killMargin: Value {
    value("kill-margin", given: options.killMargin, times.killMargin, usual: .seconds(1))
  }

  /// `usual` is the default if there is enough time for it.
  private func value(
    _ name: String, given: TimeAmount?, _ span: TimeAmount?, usual: TimeAmount? = nil
  ) -> Value {
    let origin = options.origin(name, isGiven: given != nil, or: span == usual ? .defaultValue : .fitted)
    return Value(name: name, span: span, origin: origin)
  }

  private var moments: [Moment] {
    let hook = options.preStop.isEmpty ? "" : "; the pre-stop hook starts"
    let isHeld = options.readyHold > .zero
    var moments = [
      Moment(
        event: "delaying", at: .zero, text: "the stop signal arrives\(isHeld ? "" : "; not ready from now on")\(hook)",
        values: [])
    ]
    if options.drain != .time {
      moments.append(
        Moment(event: "draining", at: times.delay, text: "the delay is over, the drain begins", values: [delay]))
    }
    let isSure = options.drain == .time
    moments.append(
      Moment(
        event: "stopping", at: forwardIn, text: "the command has the signal\(isSure ? "" : " at the latest")",
        values: [isSure ? delay : drainTimeout]))
    moments.append(
      Moment(
        event: "killing", at: killIn, text: "SIGKILL to all that is left",
        values: [killIn < times.killIn ? grace : killMargin]))
    moments.append(
      Moment(
        event: "orchestrator-kill", at: times.terminationGracePeriod, text: "SIGKILL by the orchestrator",
        values: [gracePeriod]))
    if isHeld {
      let hold = value("ready-hold", given: options.readyHold, options.readyHold)
      let place = moments.firstIndex { $0.at > options.readyHold } ?? moments.endIndex
      moments.insert(
        Moment(event: "not-ready", at: options.readyHold, text: "not ready from now on", values: [hold]), at: place)
    }
    return moments
  }
}

extension TimeAmount {
  /// The amount in tenths of a second, rounded: 6.67 s, two thirds of ten seconds, is `6.7s`.
  fileprivate var inTenths: String {
    milliseconds < 1000 ? description : TimeAmount.milliseconds((milliseconds + 50) / 100 * 100).brief
  }
}

// MARK: - Text

extension PlanReport {
  /// A bar to scale, the moments and the notes; at most 100 columns wide.
  package var text: String {
    var rows = [["AT", "WHAT", "SET BY"]]
    for moment in moments {
      let names = moment.values.isEmpty ? signalsText : moment.values.map { $0.text }.joinedBySpaces
      rows.append([moment.at.inTenths, moment.text, names])
    }
    var text = bar + "\n" + alignedColumns(rows, numbers: [0])
    for note in notes { text += "\n" + note + "\n" }
    return text
  }

  private var signalsText: String {
    var text = "stop-signals"
    for signal in options.stopSignals.signals { text += " " + signal.name }
    return text + (options.recognisesServers ? " and a known server's own" : "")
      + " (\(StopPlan(options).signalsFrom.name))"
  }

  /// The bar: 72 columns for the termination grace period. A part that is not zero has at least one column.
  private var bar: String {
    let width = 72
    let ends = [times.delay, forwardIn, killIn, times.terminationGracePeriod]
    var text = ""
    for (end, letter) in zip(ends, ["=", "~", "-", " "]) {
      let share = end.milliseconds * width / max(1, times.terminationGracePeriod.milliseconds)
      let isEmpty = end <= (ends.last { $0 < end } ?? .zero) && end != ends.first
      let columns = max(min(share, width) - text.utf8.count, isEmpty || end == .zero ? 0 : 1)
      text += String(repeating: letter, count: columns)
    }
    return "[\(text)]\n = delay   ~ drain   - the command stops, then SIGKILL\n"
  }

  private var notes: [String] {
    var notes: [String] = []
    switch options.drain {
    case .time: break
    case .idle: notes.append("The drain ends early without traffic and a request in flight: \(drainQuiet.text).")
    case .zero: notes.append("The drain ends early without an inbound connection.")
    }
    if options.delay == nil { notes.append("Where the command never listened there is no delay and no drain.") }
    if options.orchestrator == .unknown, options.terminationGracePeriod == nil {
      let fits = forwardIn < .seconds(10)
      notes.append(
        "No orchestrator is known here: delay and drain \(fits ? "fit" : "do not fit") the 10s of Docker and Podman. Set"
          + "\n--termination-grace-period to the time that is allowed.")
    }
    return notes + warnings.map { "warning: " + $0 }
  }
}

// MARK: - JSON

extension PlanReport {
  /// One JSON object and a newline; times in milliseconds.
  package var json: [UInt8] {
    var facts: [LogRecord.Field] = [
      .init("schema", .number(1)), .init("version", .text(ebbVersion)),
      .init("orchestrator", .text(options.orchestrator.name)),
      .init("stop_signals", .list(options.stopSignals.signals.map { .text($0.name) })),
      .init("stop_signals_from", .text(StopPlan(options).signalsFrom.name)),
      .init("drain", .text(options.drain.name)),
    ]
    let values = [delay, drainTimeout, drainQuiet, grace, killMargin, gracePeriod]
    let keys = ["delay", "drain_timeout", "drain_quiet", "grace", "kill_margin", "grace_period"]
    for (key, value) in zip(keys, values) {
      facts.append(.init(key + "_ms", .span(value.span)))
      facts.append(.init(key + "_from", .text(value.origin.name)))
    }
    facts.append(
      .init("moments", .list(moments.map { .object([.init("event", .text($0.event)), .init("at_ms", .span($0.at))]) })))
    facts.append(.init("warnings", .list(warnings.map { .text($0) })))
    return [UInt8](jsonLine: facts)
  }
}
