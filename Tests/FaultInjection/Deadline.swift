import Glibc
import TestSupport
import Synchronization

/// Measures how exactly SIGKILL comes for a command that ignores its stop signal, while all processors are busy.
///
/// The time starts just before the stop signal is sent and ends when the kernel reports the command's death. The
/// signal's way to ebb and the report's way back count as error.
func deadlineUnderLoad(_ options: Options) throws(Failure) -> FaultResult {
  let grace: Int64 = 200_000_000
  let tries = options.times(200, quick: 10)
  let load = Load()
  defer { load.end() }
  var errors: [Double] = []
  var lost = 0
  for _ in 0..<tries {
    let words = [options.ebb, "--delay", "0", "--drain", "time", "--grace", "200ms", "-t", "10s", "--"]
    let run = try SupervisedProcess(words + [options.testApp, "stay", "--ignore", "TERM"])
    try run.line("ready")
    let command = try openProcess(try SupervisedProcess.child(of: run.process.pid))
    defer { close(command) }
    let sent = now()
    run.process.signal(SIGTERM)
    guard isReady(command, within: 20_000) else {
      lost += 1
      continue
    }
    errors.append(Double(now() - sent - grace))
    if run.process.ending(within: 20_000) != .code(137) { lost += 1 }
  }
  let most = errors.max() ?? 0
  let least = errors.min() ?? 0
  let figures = [percentile(errors, 50), percentile(errors, 99), most].map { fixed($0 / 1e6, 2) }
  return FaultResult(
    "SIGKILL at the deadline, all processors busy", tried: tries, lost: lost,
    measured: "late by p50 / p99 / max \(figures.joined(separator: " / ")) ms",
    bar: "never early, late by 20 ms at most", reached: least >= 0 && most <= 20e6)
}

/// One busy thread per processor.
private final class Load: Sendable {
  private let isOver = Atomic(false)
  private let threads = Mutex<[WorkerThread<Void>]>([])

  init() {
    for _ in 0..<onlineCores() {
      let thread = WorkerThread { [self] in
        while !isOver.load(ordering: .relaxed) { spin(nanoseconds: 1_000_000) }
      }
      threads.withLock { $0.append(thread) }
    }
  }

  func end() {
    isOver.store(true, ordering: .relaxed)
    for thread in threads.withLock({ $0 }) { thread.join() }
  }
}
