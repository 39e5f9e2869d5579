// Facts about the command: whether it is a known server, whether signals reach it, whether it listens. The event loop
// checks them along with other work, and twice after the start.

import Primitives

extension Lifecycle {
  /// Signals that are some image's STOPSIGNAL, beside those of `--stop-signals`: QUIT, USR1, WINCH, RTMIN+3.
  static let imageStopSignals = SignalSet(mask: 1 << 2 | 1 << 9 | 1 << 27 | 1 << 36)

  /// How long the result of `prepare` for a USR1 or WINCH that began no stop stays valid. Checking the command each
  /// time would double the cost of a signal, and some apps receive a thousand per second.
  static let plainSignalHolds = TimeAmount.seconds(1)

  /// Whether the event loop must call `prepare` before it handles this signal. Mutating like `takeSnapshot`.
  package mutating func mustPrepare(for signal: Signal, at now: @autoclosure () -> Instant) -> Bool {
    guard mayBeStops.contains(signal), phase <= .serving, commandRuns else { return false }
    return plainSignal.map { $0.signal != signal || now() - $0.at >= Lifecycle.plainSignalHolds } ?? true
  }

  /// Recognises the command when a signal arrives that may begin a stop: by then an entry script has executed the
  /// server. `processName` is from /proc/PID/stat, `nil` if unreadable. Returns whether a stop begins.
  package mutating func prepare(for signal: Signal, processName: String?, at now: Instant) -> Bool {
    server = options.recognisesServers ? processName.flatMap { KnownServer(processName: $0) } : nil
    stopSignals = options.stopSignals
    // A signal that --rewrite drops stops nothing, so it begins no stop.
    if let own = server?.traits.gracefulStop, options.rewrites.apply(to: own) != nil { stopSignals.insert(own) }
    if stopSignals.contains(signal) { return true }
    // If the command is an ebb, the signal may begin a stop there.
    if Lifecycle.imageStopSignals.contains(signal), processName?.bytesEqual("ebb") != true {
      missedStop = (signal, now)
    }
    if signal == .sigusr1 || signal == .sigwinch { plainSignal = (signal, now) }
    return false
  }

  /// Whether this signal begins a stop or, during one, is a repeated stop signal.
  package func isStopSignal(_ signal: Signal) -> Bool {
    stopSignals.contains(signal)
  }

  /// Returns the time until the next check of the command; `nil` without one. One second after the start nearly every
  /// server listens, and half a minute later a JVM does. After that, or once the command listened, an idle supervisor
  /// is not woken. Each call counts as one check.
  package mutating func waitForLook() -> TimeAmount? {
    guard phase <= .serving, !hasListened, looks < 2, options.asleep == nil else { return nil }
    looks += 1
    return looks == 1 ? .seconds(1) : .seconds(29)
  }

  mutating func seeListeners(_ listeners: ConnectionSample.PortSource, _ actions: inout [Action]) {
    switch listeners {
    case .ofTree, .ofControlGroup, .uncountable: hasListened = true
    case .given, .all, .none, .unknown: break
    }
    verbosity.log(.debug, "looked", [("listens", .flag(hasListened))], "checked whether the command listens", &actions)
  }

  /// Whether the event loop must check, before the leftovers are signalled, whether they listen: a daemon moves to the
  /// background and exits with 0. Returns true only once.
  package mutating func mustLookAtLeftovers() -> Bool {
    guard options.asleep == nil, stop == nil, leftovers == nil, phase < .killing,
      case .exited(.exited(code: 0), _, _) = command,
      !hasLookedAtLeftovers
    else { return false }
    hasLookedAtLeftovers = true
    return true
  }

  mutating func warnOfDaemon(_ port: UInt16, _ server: KnownServer?, _ actions: inout [Action]) {
    verbosity.log(
      .warning, "daemon", [("port", .number(Int(port)))],
      "the command exited with 0 and left a daemon behind; stopping it: run it in the foreground"
        + (server.map { ": " + $0.traits.foreground } ?? ""), &actions)
  }

  mutating func seeReach(_ reach: SignalReach, _ actions: inout [Action]) {
    let before = self.reach
    self.reach = reach
    guard case .none(let user) = reach, case .signals = before else { return }
    verbosity.log(
      .warning, "out-of-reach", [("user", user.map { .number($0) } ?? .null)],
      Status.outOfReach, &actions)
  }

  /// The effect of the deadline, for messages.
  var deadlineName: String { isOutOfReach ? "ebb exits" : "SIGKILL" }

  var isOutOfReach: Bool {
    if case .none = reach { commandRuns } else { false }
  }
}
