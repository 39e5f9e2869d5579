import CPlatform
import Platform
import Supervision

/// `ebb stop`
func stop(_ options: StopOptions) throws(Complaint) {
  let supervisor = try theSupervisor(pid: options.pid)
  let before = try read(supervisor)
  guard let signal = before.facts.stopSignal else { throw Complaint(message: "the supervisor knows no stop signal") }
  let isUnderWay = before.now.stop != nil
  if !isUnderWay || options.now { try send(signal, to: supervisor, now: options.now) }
  if options.wait {
    try follow(supervisor) { status throws(Complaint) in Array("\(statusLine(status, at: monotonicTime()))\n".utf8) }
  } else {
    try awaitAnswer(of: supervisor, now: options.now)
    try printOut(Array("\(statusLine(try read(supervisor), at: monotonicTime()))\n".utf8))
  }
}

private func send(_ signal: Signal, to supervisor: StatusReader, now: Bool) throws(Complaint) {
  do throws(Errno) {
    if now { try supervisor.requestStopNow() }
    try supervisor.send(signal)
  } catch {
    // Else an ordinary stop would take no time some day.
    if now { supervisor.withdrawRequest() }
    guard error.code != ESRCH else { throw Complaint(message: "the supervisor has ended meanwhile") }
    throw Complaint(message: "cannot stop process \(supervisor.pid): \(error.text)")
  }
}

/// A frozen supervisor has got the signal, but nothing happens: better to say so.
private func awaitAnswer(of supervisor: StatusReader, now: Bool) throws(Complaint) {
  for _ in 0..<2500 {
    let run = try read(supervisor).now
    if run.phase > (now ? .draining : .serving) || supervisor.hasEnded(within: 2) { return }
  }
  throw Complaint(
    message: "process \(supervisor.pid) has been sent the stop signal, but has not begun to stop within 5s")
}
