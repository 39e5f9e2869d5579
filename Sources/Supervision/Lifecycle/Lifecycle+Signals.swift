import Primitives

extension Lifecycle {
  /// Returns the signal to send if `handle(.signal)` would only forward it, else `nil`. The latency of forwarding is
  /// the only one that users notice. This function needs no clock, no memory and little code, because code and memory
  /// outside the CPU's cache cost most.
  package mutating func forwardImmediately(_ signal: Signal) -> (signal: Signal, target: SignalTarget)? {
    guard phase == .serving, !stopSignals.contains(signal), !notPassedOn.contains(signal), verbosity.level < 2,
      let sent = options.rewrites.isEmpty ? signal : options.rewrites.apply(to: signal)
    else { return nil }
    signalsReceived += 1
    signalsForwarded += 1
    return (sent, target)
  }

  mutating func receive(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    signalsReceived += 1
    if isStopSignal(signal) {
      if stop == nil { beginStop(signal, at: now, &actions) } else { repeatedStop(signal, at: now, &actions) }
      return
    }
    // A person at a keyboard does not want to wait. The command only receives the stop signal: many programs exit
    // immediately on a second one.
    if signal == .sigint, phase == .delaying || phase == .draining {
      enterDraining(delayEnded: "signal", at: now, &actions)
      return forwardStopSignal(drainEnded: .signal, at: now, &actions)
    }
    // A terminal stops a whole group (`a | b`), so the whole group must continue.
    forward(signal, to: signal == .sigcont && hasTerminal ? .commandGroup : target, &actions)
    // On a terminal, ebb stops after the command has.
    if options.selfStops.contains(signal), !hasTerminal { actions.append(.stopSelf) }
  }

  func repeatedStop(_ signal: Signal, at now: Instant, _ actions: inout [Action]) {
    verbosity.log(
      .info, "repeated-stop-signal", [("signal", .signal(signal)), ("kill_in_ms", .span(killAt.map { $0 - now }))],
      "already stopping; ignoring this stop signal", &actions)
  }

  var target: SignalTarget { options.targetsProcessGroup ? .commandGroup : .command }

  /// Whether the command has started and has not been reaped.
  package var commandRuns: Bool {
    if case .running = command { true } else { false }
  }

  var hasTerminal: Bool {
    if case .running(_, hasTerminal: true) = command { true } else { false }
  }

  /// Forwards a signal as rewritten, unless `--rewrite` drops it or the command has exited.
  mutating func forward(_ signal: Signal, to target: SignalTarget, _ actions: inout [Action]) {
    guard commandRuns, let sent = options.rewrites.apply(to: signal) else { return }
    signalsForwarded += 1
    actions.append(.send(sent, to: target))
    verbosity.log(
      .trace, "forwarded", [("signal", .signal(signal)), ("as", .signal(sent))], "forwarded to the command", &actions)
  }

  func commandStopped(by signal: Signal, _ actions: inout [Action]) {
    // Job control: the shell that started ebb must see its job stopped. If there is no such shell (ebb is PID 1, or its
    // group is orphaned), the kernel does not stop ebb, and the command continues immediately, as without an init.
    guard hasTerminal, stop == nil,
      signal == .sigtstp || signal == .sigttin || signal == .sigttou
    else { return }
    verbosity.log(
      .trace, "suspended", [("signal", .signal(signal))], "the terminal suspended the command; suspending ebb too",
      &actions)
    actions.append(.suspend)
  }
}
