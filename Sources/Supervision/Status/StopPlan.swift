import LinuxFormats
import Primitives

/// The parameters of a future stop: the signals that begin it, its first durations, and the origin of each value.
package struct StopPlan: Equatable, Sendable {
  /// `--delay` or its default.
  package var delay = TimeAmount.zero
  /// `--termination-grace-period` or its default.
  package var gracePeriod = TimeAmount.zero
  /// The origin of the signals that begin a stop.
  package var signalsFrom = Origin.defaultValue
  package var delayFrom = Origin.defaultValue
  package var gracePeriodFrom = Origin.defaultValue

  package enum Origin: Int, Sendable {
    case flag, variable, defaultValue
    // The orchestrator, recognised by the variables that it sets.
    case kubernetes, ecs, nomad
    // A default that is shorter than usual because there is little time.
    case fitted

    /// The name in JSON and `ebb status`.
    package var name: String {
      switch self {
      case .flag: "flag"
      case .variable: "variable"
      case .defaultValue: "default"
      case .kubernetes: "kubernetes"
      case .ecs: "ecs"
      case .nomad: "nomad"
      case .fitted: "fitted"
      }
    }
  }

  package init() {}

  init(_ options: RunOptions) {
    delay = options.times.delay
    gracePeriod = options.times.terminationGracePeriod
    let period: Origin =
      switch options.orchestrator {
      case .kubernetes: .kubernetes
      case .ecs: .ecs
      case .nomad: .nomad
      case .unknown: .defaultValue
      }
    signalsFrom = options.origin("stop-signals", isGiven: options.stopSignalsAreGiven, or: .defaultValue)
    delayFrom = options.origin("delay", isGiven: options.delay != nil, or: .defaultValue)
    gracePeriodFrom = options.origin(
      "termination-grace-period", isGiven: options.terminationGracePeriod != nil, or: period)
  }
}

extension RunOptions {
  /// Returns the origin of an option's value: `other` unless it was given.
  func origin(_ name: String, isGiven: Bool, or other: StopPlan.Origin) -> StopPlan.Origin {
    isGiven ? isFromVariable(name) ? .variable : .flag : other
  }
}

extension Status {
  /// The text before a stop: `by SIGQUIT SIGTERM (default, nginx); delay 5.0s (flag), grace period 30s (kubernetes)`.
  func planText(for command: ProcessDetails?) -> String {
    if info.isAsleep { return "none of its own: in the place of another init ebb only forwards signals" }
    let plan = info.plan
    let server = server(command)
    var text = "by"
    for signal in signals(server) { text += " SIG" + signal.name }
    text += " (\(plan.signalsFrom.name)\(server.map { ", " + $0.traits.name } ?? "")); delay \(plan.delay.approximate)"
    return text
      + " (\(plan.delayFrom.name)), grace period \(plan.gracePeriod.approximate) (\(plan.gracePeriodFrom.name))"
  }

  func planFields(for command: ProcessDetails?) -> FieldValue {
    if info.isAsleep { return .null }
    let plan = info.plan
    let server = server(command)
    return .object([
      .init("stop_signals", .list(signals(server).map { .text($0.name) })),
      .init("stop_signals_from", .text(plan.signalsFrom.name)),
      .init("recognised", server.map { .text($0.traits.name) } ?? .null),
      .init("delay_ms", .span(plan.delay)), .init("delay_from", .text(plan.delayFrom.name)),
      .init("grace_period_ms", .span(plan.gracePeriod)), .init("grace_period_from", .text(plan.gracePeriodFrom.name)),
    ])
  }

  private func signals(_ server: KnownServer?) -> [Signal] {
    var signals = info.stopSignals
    if let own = server?.traits.gracefulStop { signals.insert(own) }
    return signals.signals
  }
}

extension StopPlan {
  func encode(into bytes: inout AreaWriter) {
    for span in [delay, gracePeriod] { bytes.append(UInt64(bitPattern: span.nanoseconds)) }
    for origin in [signalsFrom, delayFrom, gracePeriodFrom] { bytes.append(origin.rawValue, width: 1) }
  }

  init(_ bytes: inout ByteReader) throws(StatusPageError) {
    delay = TimeAmount(nanoseconds: Int64(bitPattern: try bytes.word()))
    gracePeriod = TimeAmount(nanoseconds: Int64(bitPattern: try bytes.word()))
    signalsFrom = Origin(rawValue: try bytes.number(width: 1)) ?? .defaultValue
    delayFrom = Origin(rawValue: try bytes.number(width: 1)) ?? .defaultValue
    gracePeriodFrom = Origin(rawValue: try bytes.number(width: 1)) ?? .defaultValue
  }
}
