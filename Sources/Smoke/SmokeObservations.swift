import LinuxFormats
import Primitives
import Supervision

/// What a smoke run has seen, as far as it came: everything that its checks are made of. Filled in as the run goes on.
package final class SmokeObservations {
  /// What was asked for.
  package let options: SmokeOptions
  /// When the supervisor was started.
  package let startedAt: Instant
  /// What became of the start.
  package var start = Start.underWay
  /// When the stop signal was sent to the supervisor; nil: never.
  package var stoppedAt: Instant?
  /// What the status page said last; nil where it was never there.
  package private(set) var phase: Phase?
  /// The command has exited by then.
  package private(set) var commandHasExited = false
  /// The signal that is sent to begin the stop.
  package private(set) var stopSignal: Signal?
  /// Signals do not reach the command.
  private(set) var isOutOfReach = false
  /// The signal that the command gets in the end; nil where `--rewrite` drops it.
  private(set) var signal: Signal? = .sigterm
  /// When the supervisor got the stop signal.
  package private(set) var stopBeganAt: Instant?
  /// When it forwarded that; nil: it has not.
  private(set) var forwardedAt: Instant?
  /// The command as it was just before the stop signal.
  package private(set) var command: Command?
  /// What the supervisor has left.
  package var report: FinalReport?
  /// How the supervisor ended; nil: it had to be killed.
  package var end: (status: ExitStatus, at: Instant)?
  /// A port that still took connections after that.
  package var openPort: UInt16?

  /// Answered well by the stop signal.
  package private(set) var answeredBefore = 0
  /// Answered well after it.
  package private(set) var answeredAfter = 0
  /// Of `--slow`, answered well.
  package private(set) var slowAnswered = 0
  /// One of these after the stop signal.
  private(set) var hasSlowAnswerInStop = false
  /// The longest of these.
  package private(set) var slowest = TimeAmount.zero
  /// In the order in which they failed; the first of them where there are very many.
  package private(set) var failures: [SmokeFailure] = []
  /// Beyond those.
  package private(set) var moreFailures = 0
  /// Sent a second time, on a new connection, since the server had closed the kept one.
  package var retries = 0

  /// The descendants that a look found, to be compared with the next one.
  private var processes: [ProcessDetails] = []
  /// The first that was dead and not waited for in two looks.
  private(set) var zombie: ProcessDetails?

  private static let maxFailures = 10_000

  /// From the start to ready.
  package enum Start: Sendable {
    case underWay
    case ready(at: Instant)
    /// Not in time, or never: a few words.
    case failed(String)
  }

  /// What is to be stopped.
  package struct Command: Sendable {
    /// `pid 7 `app``
    let who: String
    /// What the stop signal would do to it.
    let effect: ProcessDetails.Effect?
    /// A shell with a child acts on a signal when that has ended.
    let isWaitingShell: Bool
    /// Who might outlive it, if anybody: `pid 9 `worker` and 2 more`.
    let others: String?
    /// The first known server of them all: a script may hide it.
    let hidden: KnownServer?
    /// A known server that SIGTERM stops otherwise than gracefully.
    let advice: KnownServer?
    /// What `ebb status` says of it and its descendants: the first two sentences.
    let diagnosis: String?
  }

  /// Nothing has happened yet.
  package init(_ options: SmokeOptions, startedAt: Instant) { (self.options, self.startedAt) = (options, startedAt) }
}

// MARK: - Taking in

extension SmokeObservations {
  /// A request has ended. `problem` is nil where it was answered well; `time` is the wall clock.
  package func requestEnded(_ problem: String?, began: Instant, isSlow: Bool, at now: Instant, time: Int) {
    if let problem {
      guard failures.count < SmokeObservations.maxFailures else { return moreFailures += 1 }
      failures.append(SmokeFailure(reason: problem, began: began, ended: now, time: time, isSlow: isSlow))
    } else if isSlow {
      slowAnswered += 1
      hasSlowAnswerInStop = hasSlowAnswerInStop || stoppedAt != nil
      slowest = max(slowest, now - began)
    } else if stoppedAt == nil {
      answeredBefore += 1
    } else {
      answeredAfter += 1
    }
  }

  /// A look at the status page.
  package func record(_ status: Status) {
    phase = status.snapshot.phase
    if case .exited = status.snapshot.command { commandHasExited = true }
    if stopSignal == nil { stopSignal = options.stopSignal ?? status.stopSignal(for: nil) }
    (signal, isOutOfReach) = (
      status.snapshot.stop.map { $0.sends } ?? status.info.forwardsAs, status.snapshot.isOutOfReach
    )
    (stopBeganAt, forwardedAt) = (status.snapshot.stop?.since, status.snapshot.stop?.forwardedAt)
  }

  /// A look at the supervisor's descendants while the command runs. A process that two looks find dead, half a second
  /// apart, is one that nobody waits for; those that are the supervisor's are on their way.
  package func record(_ found: [ProcessDetails], of supervisor: Int32) {
    for process in found where process.isZombie && process.entry.parent != supervisor && zombie == nil {
      if processes.contains(where: { $0.isZombie && $0.entry == process.entry }) { zombie = process }
    }
    processes = found
  }

  /// The last look before the stop signal.
  package func recordBeforeStop(_ found: [ProcessDetails], of supervisor: Int32, _ status: Status) {
    guard let command = status.command(in: found, supervisor: supervisor) else { return }
    let others = found.filter { $0.entry != command.entry && !$0.isZombie }
    let more = others.count > 1 ? " and \(others.count - 1) more" : ""
    let server = status.server(command)
    stopSignal = options.stopSignal ?? status.stopSignal(for: command)
    var hidden: KnownServer?
    for process in found where hidden == nil { hidden = KnownServer(processName: process.name) }
    if stopSignal != status.info.stopSignals.usual { signal = stopSignal }
    let sentences = status.diagnosis(of: found, supervisor: supervisor, by: signal)
    self.command = Command(
      who: command.displayText, effect: signal.flatMap(command.effect),
      isWaitingShell: command.isShell && found.contains { $0.entry.parent == command.entry.pid },
      others: others.first.map { $0.displayText + more },
      hidden: hidden, advice: stopSignal == .sigterm && status.info.forwardsAs == .sigterm ? server : nil,
      diagnosis: sentences.count > 1 ? "\(sentences[0]); \(sentences[1])" : sentences.first)
  }
}

// MARK: - What follows

extension SmokeObservations {
  /// When it was ready, if it was.
  package var readyAt: Instant? {
    if case .ready(let at) = start { at } else { nil }
  }

  /// From the stop signal to the supervisor's exit.
  var stopTime: TimeAmount? {
    guard let end, let stopBeganAt else { return nil }
    return max(.zero, end.at - stopBeganAt)
  }

  var signalName: String { "SIG\((signal ?? .sigterm).name)" }

  /// When a request failed, which decides what that says.
  enum Period {
    case beforeStop
    /// Begun before the stop signal was forwarded.
    case delay
    /// Begun after that, because of `--lag`.
    case lag
    case slow
  }

  func period(of failure: SmokeFailure) -> Period {
    if failure.isSlow { return .slow }
    guard let stopBeganAt, failure.ended >= stopBeganAt else { return .beforeStop }
    guard let forwardedAt, failure.began > forwardedAt else { return .delay }
    return .lag
  }

  func failures(in period: Period) -> [SmokeFailure] { failures.filter { self.period(of: $0) == period } }

  /// Those that say something: without `--lag`, whoever comes after the stop signal was forwarded is not expected to be
  /// answered.
  var judgedFailures: [SmokeFailure] {
    failures.filter { options.lag != nil || period(of: $0) != .lag }
  }

  /// How many requests failed.
  var failed: Int { judgedFailures.count + moreFailures }

  /// All requests that say something.
  var total: Int { answeredBefore + answeredAfter + slowAnswered + failed }

  /// How long after the stop signal a request failed; nil before it.
  func afterStop(_ failure: SmokeFailure) -> TimeAmount? {
    guard let stopBeganAt, failure.ended >= stopBeganAt else { return nil }
    return failure.ended - stopBeganAt
  }
}
