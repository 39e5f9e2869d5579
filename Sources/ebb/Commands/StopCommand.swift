import CPlatform
import LinuxFormats
import Platform
import Primitives
import Supervision

/// `ebb stop`. With nested supervisors the signal goes to the outermost one, as the orchestrator's would; the one
/// nearest to the app runs the delay and the drain. Throws if there is no supervisor, or no stop begins.
func runStop(_ options: StopOptions) throws(CommandError) {
  let outermost = try requireSupervisor(pid: options.pid)
  let nearest = options.pid == nil ? nearestToApp(outermost) : outermost
  let before = try readStatus(nearest)
  let command = before.command(in: readDescendants(of: nearest.pid), supervisor: nearest.pid)
  guard let signal = before.stopSignal(for: command) else {
    throw CommandError(
      message:
        "the supervisor begins no stop, in the place of another init: set EBB_DELAY where the container is started")
  }
  let isUnderWay = before.snapshot.stop != nil
  // The outermost supervisor would not pass on a second one.
  if !isUnderWay || options.now { try send(signal, to: isUnderWay ? nearest : outermost, now: options.now, nearest) }
  if options.wait {
    try follow(nearest, nil)
    while !outermost.hasEnded(within: .milliseconds(20)) {}
  } else {
    try awaitAnswer(of: nearest, now: options.now)
    try printOut(Array("\(try readStatus(nearest).line(at: monotonicTime()))\n".utf8))
  }
}

/// `now`: requests a stop without delay and drain from `nearest`. Throws if that or the signal fails.
private func send(
  _ signal: Signal, to supervisor: StatusPageReader, now: Bool, _ nearest: StatusPageReader
) throws(CommandError) {
  do throws(Errno) {
    if now { try nearest.requestStopNow() }
    try supervisor.send(signal)
  } catch {
    // Otherwise a later ordinary stop would skip its delay.
    if now { nearest.withdrawRequest() }
    guard error.code != ESRCH else { throw CommandError(message: "the supervisor has already ended") }
    throw CommandError(message: "cannot stop process \(supervisor.pid): \(error.description)")
  }
}

/// Waits for the stop to begin. A frozen supervisor receives the signal but does nothing; the error reports this.
private func awaitAnswer(of supervisor: StatusPageReader, now: Bool) throws(CommandError) {
  for _ in 0..<2500 {
    let run = try readStatus(supervisor).snapshot
    if run.phase > (now ? .draining : .serving) || supervisor.hasEnded(within: .milliseconds(2)) { return }
  }
  throw CommandError(
    message: "process \(supervisor.pid) has been sent the stop signal, but has not begun to stop within 5s")
}
