import Primitives

/// The command's traffic since the stop signal, by the samples. The supervisor and `ebb drain` decide by it.
///
/// Unknown is never treated as zero. Without a sample, after a failed one, or if the source lacks the data, no end condition
/// is met and the drain lasts until its timeout.
package struct TrafficMonitor: Sendable {
  /// When the stop signal came.
  let since: Instant
  private let mode: DrainMode
  private let quiet: TimeAmount
  /// The newest sample. `nil` after one that failed.
  package private(set) var sample: ConnectionSample?
  /// Connections with a request in flight in the first sample.
  private(set) var inFlightAtStart: Int?
  /// New connections since the first sample, as far as is known.
  private(set) var newConnections = 0
  /// When the last new connection came.
  private(set) var lastConnection: Instant?
  /// Whether no connection has come for the quiet time, at least once.
  private var hasPaused = false
  /// When the last inbound byte or connection came, or the stop signal if none has come since.
  private(set) var lastReceived: Instant
  /// Every connection that closed before this moment has been counted. `nil` if there is no such moment yet.
  private var eventHorizon: Instant?
  /// Whether the newest sample advanced the horizon.
  private var horizonMoved = false
  /// False if the command certainly had no listening socket in any sample. `nil` before the first sample.
  private(set) var mayListen: Bool?
  /// Passes that failed.
  private(set) var failures = 0
  /// When the last search for listening sockets began that has ended.
  private var soughtListenersAt: Instant?
  /// When the pass began that searches for listening sockets now.
  private var seekingSince: Instant?
  /// When the last regular pass ended.
  private var pacedAt: Instant?
  /// The last sample: when its pass ended, connections seen until then, PassiveOpens and the number of ports.
  private var last: (at: Instant, total: Int, opens: Int?, ports: Int)?
  /// The total of the first sample.
  private var firstTotal: Int?
  /// Connections in the total that are not new, such as those of ports found later.
  private var discounted = 0
  /// Connections without a close event, by PassiveOpens.
  private var inferredFromPassiveOpens = 0

  package init(mode: DrainMode, quiet: TimeAmount, since: Instant) {
    (self.mode, self.quiet, self.since) = (mode, quiet, since)
    lastReceived = since
  }

  /// Adds the sample of a pass that ended at `now`.
  package mutating func add(_ sample: ConnectionSample, at now: Instant) {
    defer { self.sample = sample }
    if pacedAt.map({ now >= $0 + sample.interval }) ?? true { pacedAt = now }
    if inFlightAtStart == nil, sample.isCounted { inFlightAtStart = sample.counts.inFlight }
    mayListen = mayListen == true || sample.portSource != .none
    if let began = seekingSince { soughtListenersAt = began }
    seekingSince = nil
    if sample.portSource == .unknown { soughtListenersAt = nil }  // a process may have changed during the search
    advanceHorizon(sample, at: now)
    var newest: Instant?
    for age in [sample.counts.sinceReceived, sample.sinceReceivedByClosed] {
      if let age { newest = max(newest ?? now - age, now - age) }
    }
    if let newest { lastReceived = max(lastReceived, newest) }
    let hasAges = sample.source == .diagWithInfo && !sample.missedCloses
    let before = last
    countNew(sample, isOld: hasAges && newest.map { $0 < since } ?? false, at: now)
    guard let before, let after = last, after.total > before.total else { return }
    newConnections += after.total - before.total
    // A connection came before its last byte. Without ages it may have come right now.
    let came = hasAges || lastReceived > before.at ? lastReceived : now
    if came - (lastConnection ?? since) >= quiet { hasPaused = true }
    lastConnection = came
    lastReceived = max(lastReceived, came)
  }

  /// Records a failed pass.
  package mutating func fail() {
    failures += 1
    sample = nil
    soughtListenersAt = nil
    if mayListen == false { mayListen = nil }  // the command may have begun to listen
  }

  /// Whether the pass that begins now must search for listening sockets first. Some are opened late, and a pass that was
  /// cancelled has found none.
  package mutating func beginPass(at now: Instant) -> Bool {
    if seekingSince == nil, let soughtListenersAt, now < soughtListenersAt + TrafficMonitor.slowPassInterval {
      return false
    }
    seekingSince = now
    return true
  }

  /// Moves the horizon of the events. If close events were lost, the PassiveOpens counter replaces them; it is updated without
  /// delay.
  private mutating func advanceHorizon(_ sample: ConnectionSample, at now: Instant) {
    let horizon = sample.missedCloses ? sample.passiveOpens.map { _ in now } : sample.eventHorizonAge.map { now - $0 }
    horizonMoved = false
    guard let horizon, eventHorizon.map({ horizon > $0 }) ?? true else { return }
    (eventHorizon, horizonMoved) = (horizon, true)
  }

  /// Counts new connections by arithmetic: the present and the closed ones, minus those of the first sample. The total never
  /// decreases, because the close event of a connection that no pass saw comes late.
  ///
  /// `isOld` is true if nothing has come in since the stop signal.
  private mutating func countNew(_ sample: ConnectionSample, isOld: Bool, at now: Instant) {
    var total = sample.counts.connections + sample.closed + inferredFromPassiveOpens - discounted
    func leaveOut(_ count: Int) {
      discounted += count
      total -= count
    }
    if let last {
      if sample.ports.count != last.ports { leaveOut(total - last.total) }
      if sample.missedCloses, let opens = sample.passiveOpens, let before = last.opens {
        // The counter is for all ports, so it counts only if close events were lost, and later samples may correct it.
        let byOpens = last.total + max(0, opens - before)
        inferredFromPassiveOpens += max(0, byOpens - total)
        total = max(total, byOpens)
      }
      // Not more can be new than the kernel has accepted. A close event counted as lost may still come.
      if sample.source != .procStates, let opens = sample.passiveOpens, let firstTotal {
        leaveOut(max(0, total - (firstTotal + opens)))
      }
      // The other end had reset the connection before, so no pass saw it, and the command has closed it only now.
      if isOld { leaveOut(max(0, total - last.total)) }
      total = max(total, last.total)
    }
    firstTotal = firstTotal ?? total
    last = (now, total, sample.passiveOpens, sample.ports.count)
  }
}

extension TrafficMonitor {
  /// The reason to end the drain now, or `nil`.
  package func drainEndReason(at now: Instant) -> DrainEndReason? {
    guard let sample, sample.isCounted else { return nil }
    switch mode {
    case .time: return nil
    // A connection whose client has closed its side is no longer established but may be owed the rest of an answer.
    case .zero: return sample.counts.established == 0 && sample.counts.busy == 0 ? .zero : nil
    case .idle: return sample.counts.busy == 0 && isQuiet ? .quiet : nil
    }
  }

  /// Whether traffic is quiet. A connection after the horizon may have come right now.
  private var isQuiet: Bool { eventHorizon.map { $0 >= lastReceived + quiet } ?? false }

  /// When the next pass is due after one that ended at `now`: at the sampling interval, at the moment when the quiet time may
  /// end, and shortly after it for the kernel's confirmation.
  package func nextPass(after now: Instant) -> Instant {
    guard let sample else { return now + TrafficMonitor.slowPassInterval }
    let pacedAt = pacedAt ?? now
    let next = pacedAt + sample.interval
    guard mode == .idle, !isQuiet else { return next }
    let quietAt = lastReceived + quiet
    // At most one extra pass between two regular ones, else a short quiet time would determine the interval.
    if quietAt > now { return last?.at == pacedAt ? min(next, quietAt) : next }
    guard sample.counts.busy == 0, eventHorizon != nil else { return next }
    // Only the kernel's confirmation is missing. Sample again soon: waiting a full interval would fail every time if traffic
    // is in phase with the sampling.
    return min(next, now + (horizonMoved ? TrafficMonitor.retryInterval : sample.interval / 5))
  }

  fileprivate static let passInterval = TimeAmount.milliseconds(250)
  fileprivate static let slowPassInterval = TimeAmount.seconds(1)
  private static let retryInterval = TimeAmount.milliseconds(20)

  /// Whether connections have come without a pause until this moment.
  func isSteady(at now: Instant) -> Bool { !hasPaused && lastConnection.map { now - $0 < quiet } ?? false }

  /// Connections with a request in flight in the newest sample. `nil` if unknown.
  var inFlight: Int? { sample.flatMap { $0.isCounted ? $0.counts.inFlight : nil } }
  /// The number of ports in the newest sample, or -1 without a sample.
  var portCount: Int { sample?.ports.count ?? -1 }

  /// The traffic so far.
  var report: TrafficReport {
    var report = TrafficReport()
    report.inFlightAtStop = inFlightAtStart
    report.newConnections = inFlightAtStart == nil ? nil : newConnections
    report.lastConnection = lastConnection.map { $0 - since }
    report.lastRequest = lastReceived > since ? lastReceived - since : nil
    report.hasGaps = failures > 0
    return report
  }
}

extension ConnectionSample {
  /// The sampling interval after this sample: short if the pass was cheap.
  fileprivate var interval: TimeAmount {
    cost > ConnectionSample.expensive ? TrafficMonitor.slowPassInterval : TrafficMonitor.passInterval
  }
  private static let expensive = TimeAmount.milliseconds(5)

}
