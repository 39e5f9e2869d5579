import Testing

@testable import Supervision

/// Every order of events to a depth, for several configurations, against what must hold in any of them.
@Suite struct LifecycleExhaustiveTests {
  @Test(arguments: Configuration.all)
  func everyOrderOfEvents(_ configuration: Configuration) {
    var failures: [String] = []
    var visited = 0
    let start = World(configuration)
    start.explore(depth: 4, path: "", &visited, &failures)
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    #expect(visited > 300)
  }

  /// Longer runs than can all be walked.
  @Test(arguments: Configuration.all)
  func randomOrdersOfEvents(_ configuration: Configuration) {
    var random = SplitMix64(state: 20_260_131)
    var failures: [String] = []
    for _ in 0..<2000 where failures.isEmpty { World(configuration).walk(steps: 40, &random, &failures) }
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }
}

struct Configuration: Sendable, CustomStringConvertible {
  let description: String
  let options: RunOptions

  private init(_ description: String, _ change: (inout RunOptions) -> Void) {
    var options = RunOptions()
    options.quiet = true
    change(&options)
    (self.description, self.options) = (description, options)
  }

  static let all = [
    Configuration("standard") { _ in },
    Configuration("no delay") { $0.delay = .zero },
    Configuration("short grace") { $0.grace = .milliseconds(500) },
    Configuration("no time at all") {
      ($0.delay, $0.grace, $0.killMargin, $0.terminationGracePeriod) = (.zero, .zero, .zero, .zero)
      $0.leftoverTimeout = .zero
    },
    Configuration("group, rewritten, long leftover time") {
      $0.signalsGroup = true
      $0.rewrites.add(from: .terminate, to: .user2)
      $0.leftoverTimeout = .seconds(3600)
    },
    Configuration("dropped stop signal") { $0.rewrites.add(from: .terminate, to: nil) },
    Configuration("asked whether it is ready") { $0.readyTCP = 80 },
    Configuration("has to be ready in time, with a hook and kept ready") {
      $0.readyTCP = 80
      $0.startupTimeout = .seconds(3)
      $0.preStop = ["hook"]
      $0.readyHold = .seconds(2)
      $0.remaps = [ExitCodeRemap(from: 124, to: 0)]
    },
    Configuration("hook with little time") {
      $0.preStop = ["hook"]
      $0.delay = .zero
      $0.terminationGracePeriod = .seconds(4)
      $0.readyHold = .seconds(60)
    },
  ]
}

/// The lifecycle and, beside it, what a bystander knows: who lives, what was sent and when it may be.
private struct World {
  let options: RunOptions
  var lifecycle: Lifecycle
  var now = Instant.at(0)
  var commandLives = true
  var childrenRemain = true  // the command, or what it left behind
  var stoppedAt: Instant?  // the first stop signal
  var impatient = false  // INT or QUIT came while delaying
  var forwardedAt: Instant?
  var commandEndedAt: Instant?
  var stopSignalsSent = 0
  var phase = Phase.starting
  var exitCode: Int?
  var hasBeenReady: Bool
  var isAsked = false
  var hasTimedOut = false
  var hookRuns = false
  var hookWasKilled = false

  init(_ configuration: Configuration) {
    options = configuration.options
    lifecycle = Lifecycle(options)
    hasBeenReady = options.readiness.isEmpty
    _ = post(.spawned(pid: 7, hasTerminal: true))
  }

  enum Step: CaseIterable {
    case stopSignal, stopNow, interrupt, hangup, commandExits, commandExitsLeavingOthers, orphanDies, lastChildDies,
      commandStopped
    case answersReady, answersNotReady, hookExits
    case timeToNextDeadline, almostToNextDeadline, farBeyondNextDeadline
  }

  func explore(depth: Int, path: String, _ visited: inout Int, _ failures: inout [String]) {
    guard failures.count < 3 else { return }
    if depth == 0 {
      var end = self
      if let problem = end.runOut() { failures.append("\(path): \(problem)") }
      return
    }
    for step in Step.allCases {
      var next = self
      guard let problem = next.take(step) else { continue }  // cannot happen in this state
      visited += 1
      if !problem.isEmpty {
        failures.append("\(path) \(step): \(problem)")
      } else {
        next.explore(depth: depth - 1, path: "\(path) \(step)", &visited, &failures)
      }
    }
  }

  func walk(steps: Int, _ random: inout SplitMix64, _ failures: inout [String]) {
    var world = self
    var path = ""
    for _ in 0..<steps where world.exitCode == nil {
      guard let step = Step.allCases.randomElement(using: &random), let problem = world.take(step) else { continue }
      path += " \(step)"
      if !problem.isEmpty { return failures.append("\(path): \(problem)") }
    }
    if let problem = world.runOut() { failures.append("\(path): \(problem)") }
  }

  /// Nil: this cannot happen now. Else what is wrong with what followed, empty if nothing is.
  private mutating func take(_ step: Step) -> String? {
    guard exitCode == nil else { return nil }
    switch step {
    case .stopSignal:
      if stoppedAt == nil { stoppedAt = now }
      return post(.signal(.terminate))
    case .stopNow:
      if stoppedAt != nil { impatient = true }
      return post(.stopNow)
    case .interrupt:
      if stoppedAt != nil { impatient = true }
      return post(.signal(.interrupt))
    case .hangup: return post(.signal(.hangup))
    case .commandExits: return commandLives ? commandEnds(othersRemain: false, .exited(code: 5)) : nil
    case .commandExitsLeavingOthers: return commandLives ? commandEnds(othersRemain: true, .exited(code: 5)) : nil
    case .orphanDies:
      guard childrenRemain else { return nil }
      let first = post(.orphanReaped(pid: 9, .exited(code: 0)))
      return first.isEmpty ? post(.reapedAll(childrenRemain: true)) : first
    case .answersReady:
      guard isAsked else { return nil }
      (isAsked, hasBeenReady) = (false, true)
      return post(.probeSucceeded)
    case .answersNotReady:
      guard isAsked else { return nil }
      isAsked = false
      return post(.probeFailed("connection refused"))
    case .hookExits:
      guard hookRuns else { return nil }
      hookRuns = false
      let first = post(.hookEnded(.exited(code: 1)))
      return first.isEmpty ? post(.reapedAll(childrenRemain: childrenRemain)) : first
    case .lastChildDies:
      guard !commandLives, childrenRemain, !hookRuns else { return nil }
      childrenRemain = false
      return post(.reapedAll(childrenRemain: false))
    case .commandStopped: return commandLives ? post(.commandStopped(by: .terminalStop)) : nil
    case .timeToNextDeadline: return pass(.zero)
    case .almostToNextDeadline: return pass(Span(nanoseconds: -1))
    case .farBeyondNextDeadline: return pass(.seconds(40))  // the machine was busy
    }
  }

  private mutating func commandEnds(othersRemain: Bool, _ status: ExitStatus) -> String {
    (commandLives, childrenRemain, commandEndedAt) = (false, othersRemain, now)
    let first = post(.commandExited(status))
    return first.isEmpty ? post(.reapedAll(childrenRemain: othersRemain || hookRuns)) : first
  }

  /// Time goes to the next deadline and `distance` further.
  private mutating func pass(_ distance: Span) -> String? {
    guard let wakeUp = lifecycle.wakeUp, wakeUp + distance > now else { return nil }
    now = wakeUp + distance
    return post(.timer)
  }

  /// Whatever the state: once a stop has begun, or the command has exited, time alone leads to the exit, and within
  /// bounds.
  private mutating func runOut() -> String? {
    guard exitCode == nil, stoppedAt != nil || !commandLives else { return nil }
    let latest = stoppedAt.map { $0 + options.terminationGracePeriod }
    var rounds = 0
    while exitCode == nil {
      guard let wakeUp = lifecycle.wakeUp else { return "no exit: nothing to wait for in \(lifecycle.phase)" }
      if let latest, wakeUp > max(latest, now) { return "outlives the termination grace period" }
      now = max(now, wakeUp)
      let problem = post(.timer)
      if !problem.isEmpty { return "running out: \(problem)" }
      rounds += 1
      if rounds > 1000 { return "no exit after 1000 deadlines" }
    }
    return nil
  }

  private mutating func post(_ event: Event) -> String {
    let actions = lifecycle.handle(event, at: now)
    if lifecycle.phase < phase { return "phase went back from \(phase) to \(lifecycle.phase)" }
    phase = lifecycle.phase
    for action in actions {
      if exitCode != nil { return "\(action) after the exit" }
      let problem = check(action)
      if !problem.isEmpty { return problem }
    }
    if lifecycle.isReady(at: now) != mayBeReady { return "ready: \(!mayBeReady) in \(phase)" }
    if exitCode == nil, let latestForwarding, now >= latestForwarding, phase < .stopping {
      return "the drain knows no bound"
    }
    if isAsked, phase != .starting { return "asks whether it is ready in \(phase)" }
    if exitCode == nil, let killAt, now >= killAt, phase < .killing { return "no SIGKILL at the deadline" }
    if exitCode == nil, let killAt, phase < .killing, (lifecycle.wakeUp ?? .at(Int.max / 2_000_000)) > killAt {
      return "does not wake up for the kill deadline"
    }
    if exitCode != nil, !lifecycle.handle(.signal(.hangup), at: now).isEmpty { return "acts after the exit" }
    return ""
  }

  private mutating func check(_ action: Action) -> String {
    switch action {
    case .send(.kill, _):
      return !commandLives ? "SIGKILL to a pid that is nobody's" : mayKill ? "" : "SIGKILL before the deadline"
    case .signalDescendants([.kill], _): return mayKill ? "" : "SIGKILL to descendants before the deadline"
    case .killChildren: return mayKill ? "" : "SIGKILL to children before the deadline"
    case .signalDescendants: return commandLives ? "descendants are told to end while the command runs" : ""
    case .send(let signal, _):
      if !commandLives { return "\(signal.name) to a pid that is nobody's" }
      guard let sent = options.rewrites.apply(to: .terminate), signal == sent else { return "" }
      stopSignalsSent += 1
      forwardedAt = now
      if stoppedAt == nil, !hasBeenReady, options.startupTimeout > .zero, now >= .at(0) + options.startupTimeout {
        (stoppedAt, hasTimedOut) = (now, true)
      }
      guard let stoppedAt else { return "the stop signal without a stop" }
      if stopSignalsSent > 1 { return "the stop signal twice" }
      if hookRuns, !hookWasKilled { return "the stop signal while the hook runs" }
      return impatient || !hasBeenReady || now >= stoppedAt + options.delay
        ? "" : "the stop signal before the delay is over"
    case .exit(let code, _):
      exitCode = code
      let expected = hasTimedOut ? 124 : commandLives ? 137 : 5
      if code != expected { return "exit code \(code), not \(expected)" }
      return !commandLives || mayKill ? "" : "exits while the command runs"
    case .probe:
      if isAsked || phase != .starting { return "asks in \(phase), twice: \(isAsked)" }
      isAsked = true
      return ""
    case .abandonProbe:
      if !isAsked { return "abandons an attempt that is not under way" }
      isAsked = false
      return ""
    case .startHook(let signal):
      if hookRuns || stoppedAt != now || !hasBeenReady || signal != .terminate { return "a hook out of turn" }
      hookRuns = true
      return ""
    case .killHook:
      if !hookRuns || hookWasKilled { return "kills a hook that does not run" }
      hookWasKilled = true
      return impatient || latestForwarding.map { now >= $0 } ?? false || mayKill ? "" : "kills the hook too early"
    case .leaveMessage: return ""
    case .suspend: return commandLives && stoppedAt == nil ? "" : "suspends in a stop"
    case .log: return ""
    }
  }

  private var mayBeReady: Bool {
    guard hasBeenReady, commandLives, exitCode == nil, phase < .stopping else { return false }
    return stoppedAt.map { now < $0 + options.readyHold } ?? true
  }

  /// The end of the drain, at the latest.
  private var latestForwarding: Instant? {
    guard let stoppedAt, commandLives else { return nil }
    let killIn = options.terminationGracePeriod - options.killMargin
    let drainEnd = min(options.delay + options.drainTimeout, killIn - (options.grace ?? .seconds(1)))
    return stoppedAt + max(options.delay, drainEnd)
  }

  /// The kill deadline, once there is one.
  private var killAt: Instant? {
    guard let stoppedAt else { return nil }
    var deadline = stoppedAt + (options.terminationGracePeriod - options.killMargin)
    if let grace = options.grace, let forwardedAt { deadline = min(deadline, forwardedAt + grace) }
    return deadline
  }

  private var mayKill: Bool {
    if let killAt, now >= killAt { return true }
    if let commandEndedAt, now >= commandEndedAt + options.leftoverTimeout { return true }
    return false
  }
}

/// A generator that gives the same numbers in every run: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators" (2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
