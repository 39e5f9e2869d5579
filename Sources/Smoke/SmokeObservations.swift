import LinuxFormats
import Primitives
import Supervision

/// The observations of a smoke run, from which its checks are made. Filled in during the run.
package final class SmokeObservations {
  package let options: SmokeOptions
  package let startedAt: Instant
  package var start = Start.underWay
  /// The moment at which the stop signal was sent to the supervisor; `nil` if never.
  package var stoppedAt: Instant?
  /// The last phase on the status page; `nil` if there was no page.
  package private(set) var phase: Phase?
  package private(set) var commandHasExited = false
  /// The signal that begins the stop.
  package private(set) var stopSignal: Signal?
  /// Whether the command runs as another user, so that signals do not reach it.
  private(set) var isOutOfReach = false
  /// The signal that the command receives; `nil` if `--rewrite` drops it.
  private(set) var signal: Signal? = .sigterm
  /// The moment at which the supervisor received the stop signal.
  package private(set) var stopBeganAt: Instant?
  /// The moment at which it forwarded that signal; `nil` if it has not.
  private(set) var forwardedAt: Instant?
  /// The command just before the stop signal.
  package private(set) var command: Command?
  package var report: FinalReport?
  /// The supervisor's exit; `nil` if it had to be killed.
  package var end: (status: ExitStatus, at: Instant)?
  /// A port that still accepted connections after that.
  package var openPort: UInt16?

  /// The number of good responses before the stop signal.
  package private(set) var answeredBefore = 0
  /// The number of good responses after it.
  package private(set) var answeredAfter = 0
  /// The number of good responses to `--slow` requests.
  package private(set) var slowAnswered = 0
  /// Whether one of those came after the stop signal.
  private(set) var hasSlowAnswerInStop = false
  /// The longest duration of those.
  package private(set) var slowest = TimeAmount.zero
  /// The failed requests in order, limited to the first 10 000.
  package private(set) var failures: [SmokeFailure] = []
  /// The number of failures beyond those.
  package private(set) var moreFailures = 0
  /// The number of requests that were repeated on a new connection because the server had closed the kept one.
  package var retries = 0

  /// The descendants that the last scan found.
  private var processes: [ProcessDetails] = []
  /// The first process that was a zombie in two consecutive scans.
  private(set) var zombie: ProcessDetails?

  private static let maxFailures = 10_000

  /// The time from the start to ready.
  package enum Start: Sendable {
    case underWay
    case ready(at: Instant)
    /// Not ready in time or at all: the reason in a few words.
    case failed(String)
  }

  /// The command that is stopped.
  package struct Command: Sendable {
    /// `pid 7 `app``
    let who: String
    /// The effect of the stop signal.
    let effect: ProcessDetails.Effect?
    /// Whether it is a shell with a child, which handles a signal only after the child's exit.
    let isWaitingShell: Bool
    /// The processes that might outlive it, if any: `pid 9 `worker` and 2 more`.
    let others: String?
    /// The first known server among the processes; a script may hide it.
    let hidden: KnownServer?
    /// A known server that does not stop gracefully on SIGTERM.
    let advice: KnownServer?
    /// The first two sentences of `ebb status` about it and its descendants.
    let diagnosis: String?
  }

  package init(_ options: SmokeOptions, startedAt: Instant) { (self.options, self.startedAt) = (options, startedAt) }
}

// MARK: - Recording

extension SmokeObservations {
  /// Records the end of a request. `problem` is `nil` for a good response; `time` is the wall clock.
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

  package func record(_ status: Status) {
    phase = status.snapshot.phase
    if case .exited = status.snapshot.command { commandHasExited = true }
    if stopSignal == nil { stopSignal = options.stopSignal ?? status.stopSignal(for: nil) }
    (signal, isOutOfReach) = (
      status.snapshot.stop.map { $0.sends } ?? status.info.forwardsAs, status.snapshot.isOutOfReach
    )
    (stopBeganAt, forwardedAt) = (status.snapshot.stop?.since, status.snapshot.stop?.forwardedAt)
  }

  /// Records the supervisor's descendants while the command runs. A zombie in two scans, half a second apart, has a
  /// parent that does not wait for it. The supervisor's own zombies are about to be reaped.
  package func record(_ found: [ProcessDetails], of supervisor: Int32) {
    for process in found where process.isZombie && process.entry.parent != supervisor && zombie == nil {
      if processes.contains(where: { $0.isZombie && $0.entry == process.entry }) { zombie = process }
    }
    processes = found
  }

  /// Records the last scan before the stop signal.
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

// MARK: - Derived values

extension SmokeObservations {
  /// The moment of readiness, if any.
  package var readyAt: Instant? {
    if case .ready(let at) = start { at } else { nil }
  }

  /// The time from the stop signal to the supervisor's exit.
  var stopTime: TimeAmount? {
    guard let end, let stopBeganAt else { return nil }
    return max(.zero, end.at - stopBeganAt)
  }

  var signalName: String { "SIG\((signal ?? .sigterm).name)" }

  /// The period in which a request failed, which decides which check it counts for.
  enum Period {
    case beforeStop
    /// Sent before the stop signal was forwarded.
    case delay
    /// Sent after that, because of `--lag`.
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

  /// The failures that count: without `--lag`, a request after forwarding may fail.
  var judgedFailures: [SmokeFailure] {
    failures.filter { options.lag != nil || period(of: $0) != .lag }
  }

  /// The number of failed requests that count.
  var failed: Int { judgedFailures.count + moreFailures }

  /// The number of all requests that count.
  var total: Int { answeredBefore + answeredAfter + slowAnswered + failed }

  /// The time from the stop signal to the failure of a request; `nil` if it failed before.
  func afterStop(_ failure: SmokeFailure) -> TimeAmount? {
    guard let stopBeganAt, failure.ended >= stopBeganAt else { return nil }
    return failure.ended - stopBeganAt
  }
}
