// Sampling connections from the stop signal on, and waiting until they are idle.

import Primitives

extension Lifecycle {
  /// The moment of the next sample.
  var nextPass: Instant? {
    if case .due(let at) = counting { at } else { nil }
  }

  /// Starts sampling, even for a drain without a condition, because the report says whether the delay was right.
  mutating func beginCounting(at now: Instant) {
    guard times.delay > .zero || options.drain != .time else { return }
    traffic = TrafficMonitor(mode: options.drain, quiet: times.drainQuiet, since: now)
    counting = .wanted
  }

  /// Begins the wanted sample, once no event at this moment can end the wait. A sample in progress is too old, so it is
  /// abandoned.
  mutating func countIfWanted(at now: Instant, _ actions: inout [Action]) {
    guard case .wanted = counting, var traffic else { return }
    counting = .underWay
    actions.append(.count(lookForListeners: traffic.beginPass(at: now)))
    self.traffic = traffic
  }

  mutating func sampled(_ sample: ConnectionSample, at now: Instant, _ actions: inout [Action]) {
    guard case .underWay = counting, let before = traffic else { return }
    guard phase < .stopping else {
      // This sample cannot tell when connections arrived after forwarding: they may have closed at any time since.
      stop?.inFlightBeforeKill = sample.isCounted ? sample.counts.inFlight : nil
      return counting = .off
    }
    traffic?.add(sample, at: now)
    if keepsDelay || !listensOnNothing { announceDelay(&actions) }
    if before.sample?.source != sample.source || before.portCount != sample.ports.count { logSource(&actions) }
    counting = sample.source == .none ? .off : traffic.map { .due(at: $0.nextPass(after: now)) } ?? .off
    if listensOnNothing, !keepsDelay {
      counting = .off
      enterDraining(delayEnded: "skipped", at: now, &actions)
    }
    if !hookRuns { endDrainIfDry(at: now, &actions) }
  }

  mutating func countFailed(_ problem: String, at now: Instant, _ actions: inout [Action]) {
    guard case .underWay = counting else { return }
    traffic?.fail()
    counting = traffic.map { .due(at: $0.nextPass(after: now)) } ?? .off
    verbosity.log(
      traffic?.failures == 1 ? .warning : .debug, "count-failed", [("problem", .text(problem))],
      "could not count connections; continuing to drain with an unknown count", &actions)
    announceDelay(&actions)
  }

  mutating func beginDrain(at now: Instant, _ actions: inout [Action]) {
    guard waitsForTraffic || hookRuns else { return forwardStopSignal(drainEnded: withoutDrain, at: now, &actions) }
    guard let stop, now < stop.drainEndsAt else { return }  // too late: the timeout is next
    verbosity.log(
      .info, "draining", [("for_ms", .span(stop.drainEndsAt - now))] + (traffic?.sample?.countFields ?? []),
      waitsForTraffic
        ? options.drain == .zero
          ? "draining until no connection is open" : "draining until no request is in flight and traffic is quiet"
        : "draining until the pre-stop hook has exited", &actions)
    if waitsForTraffic { counting = .wanted }
  }

  /// Continues the drain after the hook has exited. Connections may have changed since the last sample.
  mutating func drainOnWithoutHook(at now: Instant, _ actions: inout [Action]) {
    guard phase == .draining else { return }
    if waitsForTraffic { counting = .wanted } else { endDrainIfDry(at: now, &actions) }
  }

  private mutating func endDrainIfDry(at now: Instant, _ actions: inout [Action]) {
    guard phase == .draining else { return }
    if !waitsForTraffic {
      forwardStopSignal(drainEnded: withoutDrain, at: now, &actions)
    } else if let ending = traffic?.drainEndReason(at: now) {
      forwardStopSignal(drainEnded: ending, at: now, &actions)
    }
  }

  /// Whether there are connections that can be counted.
  var waitsForTraffic: Bool {
    options.drain != .time && traffic != nil && !listensOnNothing && traffic?.sample?.portSource != .uncountable
  }

  /// The report's reason for a drain without a condition.
  private var withoutDrain: DrainEndReason? { options.drain == .time ? nil : .skipped }

  /// A passed readiness check proves that the command has listened, even if no listening socket is found now.
  private var listensOnNothing: Bool { traffic?.mayListen == false && options.readiness.isEmpty }

  /// Schedules a sample just before SIGKILL, so that the report can name the number of requests it cuts.
  mutating func planLastCount(before killAt: Instant, at now: Instant) {
    let due = killAt - Lifecycle.finalSampleLead
    counting = traffic?.inFlight != nil && due > now ? .due(at: due) : .off
  }

  private func logSource(_ actions: inout [Action]) {
    guard let sample = traffic?.sample else { return }
    var (level, sentence) = sample.explanation
    if sample.portSource == .none, !listensOnNothing {
      sentence = "the command closed its listening sockets; waiting only for the delay"
    } else if sample.portSource == .none, keepsDelay {
      sentence =
        phase == .delaying
        ? "the command has no listening sockets; keeping the delay that was given"
        : "the command has no listening sockets; nothing to drain"
    }
    verbosity.log(level, "connections", sample.fields, sentence, &actions)
  }
}
