// What the command is: a server whose stop signal is known, a process that signals cannot reach, one that listens. The
// event loop looks when something happens anyway, and twice after the start.

import Primitives

extension Lifecycle {
  /// Signals that are the STOPSIGNAL of some image, other than those of `--stop-signals`: QUIT, USR1, WINCH, RTMIN+3.
  static let imageStopSignals = SignalSet(mask: 1 << 2 | 1 << 9 | 1 << 27 | 1 << 36)

  /// What `prepare` found of an USR1 or WINCH that began no stop holds for so long: an app that is signalled a thousand times
  /// a second is not looked at each time, which doubles the cost of a signal.
  static let plainSignalHolds = TimeAmount.seconds(1)

  /// Whether the event loop must call `prepare` before it handles this signal. Mutating as `takeSnapshot` is.
  package mutating func mustPrepare(for signal: Signal, at now: @autoclosure () -> Instant) -> Bool {
    guard mayBeStops.contains(signal), phase <= .serving, commandRuns else { return false }
    return plainSignal.map { $0.signal != signal || now() - $0.at >= Lifecycle.plainSignalHolds } ?? true
  }

  /// Takes in what the command is at the moment when a signal has come that may begin a stop. `processName` is that of
  /// /proc/PID/stat, `nil` where it cannot be read. An entry script has executed the server by now. Returns whether a stop
  /// begins.
  package mutating func prepare(for signal: Signal, processName: String?, at now: Instant) -> Bool {
    server = options.recognisesServers ? processName.flatMap { KnownServer(processName: $0) } : nil
    stopSignals = options.stopSignals
    // One that --rewrite drops is not wanted: it stops nothing.
    if let own = server?.traits.gracefulStop, options.rewrites.apply(to: own) != nil { stopSignals.insert(own) }
    if stopSignals.contains(signal) { return true }
    // To an ebb below it is one that may begin the stop there.
    if Lifecycle.imageStopSignals.contains(signal), processName?.bytesEqual("ebb") != true {
      missedStop = (signal, now)
    }
    if signal == .sigusr1 || signal == .sigwinch { plainSignal = (signal, now) }
    return false
  }

  /// Whether this signal begins a stop or, in one, is a repeated stop signal.
  package func isStopSignal(_ signal: Signal) -> Bool {
    stopSignals.contains(signal)
  }

  /// How long to wait for the next look at the command, `nil` if there is none: a second after the start nearly every server
  /// listens, and half a minute later a JVM. An idle supervisor is not woken after that, nor once the command was seen to
  /// listen. Each call is for one look.
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

  /// Whether the event loop must look, before the leftovers are signalled, whether they listen: a daemon puts itself into
  /// the background and exits with 0. Asks once.
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

  /// What ebb does at the deadline.
  var deadlineName: String { isOutOfReach ? "ebb exits" : "SIGKILL" }

  var isOutOfReach: Bool {
    if case .none = reach { commandRuns } else { false }
  }
}
