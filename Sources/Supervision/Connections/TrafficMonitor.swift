import Primitives

/// What the samples since a stop began say about the command's traffic. The supervisor and `ebb drain` decide by it.
///
/// What is not known is never taken for nothing: without a sample, after one that failed, or where the source does not
/// tell enough, no condition holds, and the wait goes on to its bound.
package struct TrafficMonitor: Sendable {
  /// When the stop signal came.
  let since: Instant
  private let mode: DrainMode
  private let quiet: TimeAmount
  /// The newest sample, nil after one that failed.
  package private(set) var sample: ConnectionSample?
  /// Connections with a request in flight in the first sample.
  private(set) var inFlightAtStart: Int?
  /// Connections that have come since the first sample, as far as is known.
  private(set) var newConnections = 0
  /// When the last of these came.
  private(set) var lastConnection: Instant?
  /// For as long as the quiet time no connection has come, at least once.
  private var hasPaused = false
  /// When the last inbound byte came, or connection: from the stop signal on.
  private(set) var lastReceived: Instant
  /// No connection can have come and gone until then without being counted; nil: of no moment is that known.
  private var eventHorizon: Instant?
  /// The newest sample has moved that on.
  private var horizonMoved = false
  /// False: it is certain that nothing of the command has listened yet, at any look. Nil: nobody has looked.
  private(set) var mayListen: Bool?
  private(set) var failures = 0
  private var soughtListenersAt: Instant?
  /// A pass that looks for listening sockets has begun and has not ended yet.
  private var seekingSince: Instant?
  /// When the newest pass ended that was no extra one.
  private var pacedAt: Instant?
  private var last: (at: Instant, total: Int, opens: Int?, ports: Int)?
  /// The total of the first sample.
  private var firstTotal: Int?
  /// Connections that are in the total and no news: those of ports that were found later, say.
  private var discounted = 0
  /// Connections that came and went, or only went, while nobody was told of it.
  private var inferredFromPassiveOpens = 0

  package init(mode: DrainMode, quiet: TimeAmount, since: Instant) {
    (self.mode, self.quiet, self.since) = (mode, quiet, since)
    lastReceived = since
  }

  /// Takes in what a pass found that ended at `now`.
  package mutating func add(_ sample: ConnectionSample, at now: Instant) {
    defer { self.sample = sample }
    if pacedAt.map({ now >= $0 + sample.interval }) ?? true { pacedAt = now }
    if inFlightAtStart == nil, sample.isCounted { inFlightAtStart = sample.counts.inFlight }
    mayListen = mayListen == true || sample.portSource != .none
    if let began = seekingSince { soughtListenersAt = began }
    seekingSince = nil
    if sample.portSource == .unknown { soughtListenersAt = nil }  // what moved while somebody looked may have settled
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
    // A connection came before its last byte did. Where nothing tells of that, it may have come a moment ago.
    let came = hasAges || lastReceived > before.at ? lastReceived : now
    if came - (lastConnection ?? since) >= quiet { hasPaused = true }
    lastConnection = came
    lastReceived = max(lastReceived, came)
  }

  /// Takes in that a pass failed.
  package mutating func fail() {
    failures += 1
    sample = nil
    soughtListenersAt = nil
    if mayListen == false { mayListen = nil }  // it may have begun to
  }

  /// Whether the pass that begins now is to look for listening sockets first: some are opened late. And what a pass that
  /// was given up has looked for has not been found.
  package mutating func beginPass(at now: Instant) -> Bool {
    if seekingSince == nil, let soughtListenersAt, now < soughtListenersAt + TrafficMonitor.slowPassInterval {
      return false
    }
    seekingSince = now
    return true
  }

  /// Closings that were missed are made up for by PassiveOpens, of which nothing comes late.
  private mutating func advanceHorizon(_ sample: ConnectionSample, at now: Instant) {
    let told = sample.missedCloses ? sample.passiveOpens.map { _ in now } : sample.eventHorizonAge.map { now - $0 }
    horizonMoved = false
    guard let told, eventHorizon.map({ told > $0 }) ?? true else { return }
    (eventHorizon, horizonMoved) = (told, true)
  }

  /// By nothing but arithmetic: a connection that is there, or has been closed, and was not there before, is new. The
  /// total never falls, since the closing of one that no pass saw is told late.
  ///
  /// `isOld`: since the stop signal nothing has come in.
  private mutating func countNew(_ sample: ConnectionSample, isOld: Bool, at now: Instant) {
    var total = sample.counts.connections + sample.closed + inferredFromPassiveOpens - discounted
    func leaveOut(_ count: Int) {
      discounted += count
      total -= count
    }
    if let last {
      if sample.ports.count != last.ports { leaveOut(total - last.total) }
      if sample.missedCloses, let opens = sample.passiveOpens, let before = last.opens {
        // Of any port: so only where nothing better is known, and not for good.
        let byOpens = last.total + max(0, opens - before)
        inferredFromPassiveOpens += max(0, byOpens - total)
        total = max(total, byOpens)
      }
      // No more can be new than the kernel has taken in: what was missed may be told later all the same.
      if sample.source != .procStates, let opens = sample.passiveOpens, let firstTotal {
        leaveOut(max(0, total - (firstTotal + opens)))
      }
      // The other end had reset it before, so that no pass saw it, and the command has closed it only now.
      if isOld { leaveOut(max(0, total - last.total)) }
      total = max(total, last.total)
    }
    firstTotal = firstTotal ?? total
    last = (now, total, sample.passiveOpens, sample.ports.count)
  }
}

extension TrafficMonitor {
  /// What ends the drain now; nil where nothing does.
  package func drainEndReason(at now: Instant) -> DrainEndReason? {
    guard let sample, sample.isCounted else { return nil }
    switch mode {
    case .time: return nil
    // Whose client has closed its side is no longer established, and may be owed an answer, or more of it.
    case .zero: return sample.counts.established == 0 && sample.counts.busy == 0 ? .zero : nil
    case .idle: return sample.counts.busy == 0 && isQuiet ? .quiet : nil
    }
  }

  /// What has not been told yet may have come a moment ago.
  private var isQuiet: Bool { eventHorizon.map { $0 >= lastReceived + quiet } ?? false }

  /// When the next pass is due after one that ended at `now`: often enough to see what happens, seldom enough to be no
  /// load; and at the very moment when quiet may be reached, and soon after it, when the kernel has told that it was.
  package func nextPass(after now: Instant) -> Instant {
    guard let sample else { return now + TrafficMonitor.slowPassInterval }
    let pacedAt = pacedAt ?? now
    let next = pacedAt + sample.interval
    guard mode == .idle, !isQuiet else { return next }
    let quietAt = lastReceived + quiet
    // One extra look between two others: a short quiet time would set the pace for as long as traffic comes.
    if quietAt > now { return last?.at == pacedAt ? min(next, quietAt) : next }
    guard sample.counts.busy == 0, eventHorizon != nil else { return next }
    // All that is missing is the kernel's word. Whoever waited for the next look would do so each time where traffic
    // comes in step with that.
    return min(next, now + (horizonMoved ? TrafficMonitor.retryInterval : sample.interval / 5))
  }

  fileprivate static let passInterval = TimeAmount.milliseconds(250)
  fileprivate static let slowPassInterval = TimeAmount.seconds(1)
  private static let retryInterval = TimeAmount.milliseconds(20)

  /// Whether connections have come without a pause until this moment: nothing says that they are about to end.
  func isSteady(at now: Instant) -> Bool { !hasPaused && lastConnection.map { now - $0 < quiet } ?? false }

  /// Connections with a request in flight in the newest sample, nil where that is not known.
  var inFlight: Int? { sample.flatMap { $0.isCounted ? $0.counts.inFlight : nil } }
  /// Ports that the newest sample is of; -1 where there is none.
  var portCount: Int { sample?.ports.count ?? -1 }

  /// What it comes to so far.
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
  /// To the next look: as long as a look is cheap, short.
  fileprivate var interval: TimeAmount {
    cost > ConnectionSample.expensive ? TrafficMonitor.slowPassInterval : TrafficMonitor.passInterval
  }
  private static let expensive = TimeAmount.milliseconds(5)

}
