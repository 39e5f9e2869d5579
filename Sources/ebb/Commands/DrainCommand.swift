import CPlatform
import Platform
import Primitives
import Supervision

/// `ebb drain`: drains as a separate command. Returns whether traffic has drained. Throws if `--pid` is no supervisor.
func runDrain(_ options: DrainOptions) throws(CommandError) -> Bool {
  setBlockedSignals(blockAllSignals().union(SignalSet([.sigpipe])))  // see `Progress`
  let supervisor = try supervisorToFollow(options.pid)
  let sampler = ConnectionSampler(
    ports: options.ports ?? supervisor?.info?.ports?.map { Port($0) },
    owner: supervisor.map { .descendants(of: $0.pid) } ?? .everyone,
    excluding: supervisor?.info?.healthPort, quiet: options.quiet)
  let begunAt = monotonicTime()
  let delayEndsAt = begunAt + (options.delay ?? .seconds(5))
  let bound = delayEndsAt + (options.mode == .time ? .zero : options.timeout)
  var traffic = TrafficMonitor(mode: options.mode, quiet: options.quiet, since: begunAt)
  var progress = Progress()
  while true {
    let passBegunAt = monotonicTime()
    count(sampler, into: &traffic)
    progress.warn(of: traffic.sample)
    let now = monotonicTime()
    if let end = drainResult(of: traffic, passBegunAt >= delayEndsAt, now >= bound, options) {
      progress.finish(drainSummary(end, traffic, after: now - begunAt))
      if case .bound = end { return false }
      return true
    }
    progress.show(drainProgress(traffic, delayRemaining: delayEndsAt - now, remaining: bound - now))
    sleep(for: min(traffic.nextPass(after: now), now < delayEndsAt ? delayEndsAt : bound) - monotonicTime())
  }
}

/// Returns `nil` while the wait goes on. A pass that began during the delay says nothing about the traffic after it.
private func drainResult(
  of traffic: TrafficMonitor, _ isDelayOver: Bool, _ isBoundReached: Bool, _ options: DrainOptions
) -> DrainCommandResult? {
  if traffic.nothingListens, isDelayOver || options.delay == nil { return .nothingListens }
  guard isDelayOver else { return nil }
  if options.mode == .time || traffic.isUncountable { return .drained(by: nil) }
  if let reason = traffic.drainEndReason(at: monotonicTime()) { return .drained(by: reason) }
  return isBoundReached ? .bound : nil
}

/// Returns the supervisor whose command's connections count; `nil`: count all processes'. Throws if there is no `pid`.
private func supervisorToFollow(_ pid: Int32?) throws(CommandError) -> StatusPageReader? {
  if let pid { return try requireSupervisor(pid: pid) }
  guard case .unique(let choice)? = try? findSupervisor(pid: nil) else { return nil }
  return nearestToApp(choice.supervisor)
}

extension StatusPageReader {
  fileprivate var info: SupervisorInfo? { (try? read())?.info }
}

private func count(_ sampler: ConnectionSampler, into traffic: inout TrafficMonitor) {
  sampler.startPass(lookForListeners: traffic.beginPass(at: monotonicTime()))
  switch sampler.finish(nil) {
  case .success(let sample): traffic.add(sample, at: monotonicTime())
  case .failure: traffic.fail()
  }
}

/// Prints one updating line on a terminal, otherwise one line per second. Output that is not read is dropped: a hook
/// without a reader, or with a slow one, must wait for the connections all the same, and no longer.
private struct Progress {
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private var shownAt: Instant?
  private var hasWarned = false

  mutating func warn(of sample: ConnectionSample?) {
    guard !hasWarned, let warning = sample?.warning else { return }
    hasWarned = true
    write("ebb: \(warning)\n", to: STDERR_FILENO, patience: .zero)
  }

  mutating func show(_ text: String) {
    // Truncated at the edge (DECAWM), because only the last row of a wrapped line could be erased.
    if isTerminal { return write("\r\u{1b}[?7l\u{1b}[K\(text)\u{1b}[?7h", patience: .zero) }
    let now = monotonicTime()
    if let shownAt, now < shownAt + .seconds(1) { return }
    shownAt = now
    write("\(text)\n", patience: .zero)
  }

  func finish(_ text: String) {
    write("\(isTerminal ? "\r\u{1b}[K" : "")\(text)\n", patience: .seconds(1))
  }

  private func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO, patience: TimeAmount) {
    if waitUntilWritable(descriptor, within: patience) { try? writeAll(Array(text.utf8), to: descriptor) }
  }
}
