import CPlatform
import Platform
import Supervision

/// `ebb drain`: the supervisor's wait as a command of its own. Returns whether it has drained.
func drain(_ options: DrainOptions) throws(Complaint) -> Bool {
  let watch = ConnectionWatch(
    ports: options.ports, owner: try owner(options.pid), excluding: nil, quiet: options.quiet)
  let begunAt = monotonicTime()
  let delayEndsAt = begunAt + options.delay
  let bound = delayEndsAt + (options.mode == .time ? .zero : options.timeout)
  var traffic = Traffic(mode: options.mode, quiet: options.quiet, since: begunAt)
  var progress = Progress()
  while true {
    let passBegunAt = monotonicTime()
    count(watch, into: &traffic)
    let now = monotonicTime()
    if let end = ending(of: traffic, passBegunAt >= delayEndsAt, now >= bound, mode: options.mode) {
      try progress.finish(drainSummary(end, traffic, after: now - begunAt))
      if case .bound = end { return false }
      return true
    }
    try progress.show(drainProgress(traffic, delayRest: delayEndsAt - now, rest: bound - now))
    sleep(until: min(traffic.nextPass(after: now), now < delayEndsAt ? delayEndsAt : bound))
  }
}

/// Nil where the wait goes on. A pass that began within the delay says nothing of its end.
private func ending(
  of traffic: Traffic, _ isDelayOver: Bool, _ isBoundReached: Bool, mode: DrainMode
) -> DrainEnd? {
  if traffic.nothingListens { return .nothingListens }
  guard isDelayOver else { return nil }
  if mode == .time || traffic.isUncountable { return .drained(by: nil) }
  if let reason = traffic.ending(at: monotonicTime()) { return .drained(by: reason) }
  return isBoundReached ? .bound : nil
}

/// The supervisor's command where there is a supervisor; else every process of the container.
private func owner(_ pid: Int32?) throws(Complaint) -> ConnectionWatch.Owner {
  if let pid { return .descendants(of: try theSupervisor(pid: pid).pid) }
  guard case .one(let choice)? = try? lookUp(pid: nil) else { return .everyone }
  return .descendants(of: choice.supervisor.pid)
}

private func count(_ watch: ConnectionWatch, into traffic: inout Traffic) {
  watch.begin(lookForListeners: traffic.looksForListeners(at: monotonicTime()))
  switch watch.finish(nil) {
  case .success(let sample): traffic.add(sample, at: monotonicTime())
  case .failure: traffic.fail()
  }
}

extension ConnectionWatch {
  /// All steps of a pass, where nothing else is to be done.
  func finish(_ visit: ((Connection) -> Void)?) -> Result<Sample, CountFailure> {
    while true {
      if let result = step(visit) { return result }
    }
  }
}

private func sleep(until moment: Instant) {
  let left = moment - monotonicTime()
  if left > .zero { poll(nil, 0, Int32(clamping: left.milliseconds + 1)) }
}

/// One line that changes on a terminal; elsewhere a line for each change, at most one a second.
private struct Progress {
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private var shown = ""
  private var shownAt: Instant?

  mutating func show(_ text: String) throws(Complaint) {
    if isTerminal { return try printOut(Array("\r\u{1b}[K\(text)".utf8)) }
    let now = monotonicTime()
    if let shownAt, now < shownAt + .seconds(1) { return }
    shownAt = now
    try printOut(Array("\(text)\n".utf8))
  }

  func finish(_ text: String) throws(Complaint) {
    try printOut(Array("\(isTerminal ? "\r\u{1b}[K" : "")\(text)\n".utf8))
  }
}
