import Primitives
import Supervision

extension LifecycleModel {
  /// Handles an event in the place of another init. Each signal is forwarded once, and nothing else is done to a process.
  /// The command's exit ends the run, and there is no deadline. Returns what is wrong; empty if nothing is.
  mutating func postAsleep(_ event: Event) -> String {
    var isSignal: Signal?
    var isLast = false
    switch event {
    case .signal(let signal) where commandLives: isSignal = signal
    case .reapedAll where !commandLives: isLast = true
    default: break
    }
    var expected = sentAsleep(isSignal, isLast: isLast)
    var copy = lifecycle
    if let isSignal, let passed = copy.forwardImmediately(isSignal) {
      if expected.count != 1 || expected[0] != passed {
        return "the fast path forwards \(isSignal.name) in another way"
      }
    }
    let stopsItself = options.asleep?.program == .dumbInit && options.newSession && isSignal == .sigtstp
    var stops = 0
    for action in lifecycle.handle(event, at: now) {
      if exitCode != nil { return "\(action) after the exit" }
      switch action {
      case .send(let signal, let target):
        guard let first = expected.first, first == (signal, target) else { return "\(signal.name) to \(target)" }
        expected.removeFirst()
      case .stopSelf: stops += 1
      case .suspend: if !commandLives { return "suspends without a command" }
      case .exit(let code, _): exitCode = code
      case .log(let record): if !options.logsReapedOrphans || record.level != .warning { return "logs \(record.event)" }
      case .writeTerminationMessage: continue
      default: return "\(action) while asleep"
      }
    }
    phase = lifecycle.phase
    if !expected.isEmpty { return "does not send \(expected[0].0.name)" }
    if stops != (stopsItself ? 1 : 0) { return "stops itself \(stops) times" }
    if lifecycle.wakeUp != nil { return "waits for a time" }
    if isLast != (exitCode != nil) { return isLast ? "no exit" : "exits too early" }
    guard let exitCode, let code = commandEnd?.status.code else { return "" }
    let expectedCode = options.exitCodeRemaps.first { $0.from == code }?.to ?? code
    return exitCode == expectedCode ? "" : "exit code \(exitCode), not \(expectedCode)"
  }

  /// The signals that ebb sends for `signal`, or at the end: dumb-init signals its session once more.
  private func sentAsleep(_ signal: Signal?, isLast: Bool) -> [(Signal, SignalTarget)] {
    if let signal {
      return options.rewrites.apply(to: signal).map { [($0, options.targetsProcessGroup ? .commandGroup : .command)] }
        ?? []
    }
    guard isLast, options.asleep?.program == .dumbInit, options.newSession else { return [] }
    return options.rewrites.apply(to: .sigterm).map { [($0, .commandGroup)] } ?? []
  }
}
