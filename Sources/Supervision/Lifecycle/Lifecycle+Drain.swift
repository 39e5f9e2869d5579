// Counting connections from the stop signal on, and waiting until they have run dry.

import Primitives

extension Lifecycle {
  /// When the next pass is due.
  var nextPass: Instant? {
    if case .due(let at) = counting { at } else { nil }
  }

  /// Also where the drain waits for nothing: the report tells whether the delay was right.
  mutating func beginCounting(at now: Instant) {
    guard times.delay > .zero || options.drain != .time else { return }
    traffic = TrafficMonitor(mode: options.drain, quiet: times.drainQuiet, since: now)
    counting = .wanted
  }

  /// Begins the pass that is wanted, once it is certain that nothing of what has just happened ends the wait. Gives up
  /// one that is under way: what it has seen so far is older than what is asked for.
  mutating func countIfWanted(at now: Instant, _ actions: inout [Action]) {
    guard case .wanted = counting, var traffic else { return }
    counting = .underWay
    actions.append(.count(lookForListeners: traffic.beginPass(at: now)))
    self.traffic = traffic
  }

  mutating func sampled(_ sample: ConnectionSample, at now: Instant, _ actions: inout [Action]) {
    guard case .underWay = counting, let before = traffic else { return }
    guard phase < .stopping else {
      // Of when connections came since the forwarding it says nothing: what was closed was so at some time since.
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
    guard let stop, now < stop.drainEndsAt else { return }  // too late: the bound is next
    verbosity.log(
      .info, "draining", [("for_ms", .span(stop.drainEndsAt - now))] + (traffic?.sample?.countFields ?? []),
      waitsForTraffic
        ? options.drain == .zero
          ? "draining until no connection is open" : "draining until no request is in flight and traffic is quiet"
        : "draining until the pre-stop hook has exited", &actions)
    if waitsForTraffic { counting = .wanted }
  }

  /// The hook has exited. What the last pass saw may have changed since.
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

  /// Whether there is something that could be counted.
  var waitsForTraffic: Bool {
    options.drain != .time && traffic != nil && !listensOnNothing && traffic?.sample?.portSource != .uncountable
  }

  /// What the report says of a drain that had nothing to wait for.
  private var withoutDrain: DrainEndReason? { options.drain == .time ? nil : .skipped }

  /// A readiness check that was passed says that it has listened, whatever is seen now.
  private var listensOnNothing: Bool { traffic?.mayListen == false && options.readiness.isEmpty }

  /// Just before SIGKILL, for the report: whom it hits.
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
