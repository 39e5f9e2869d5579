import Glibc
import TestSupport

/// The state of the machine before a signal is sent.
private enum Before: String, CaseIterable {
  /// The sender's processor is awake, as under a busy runtime.
  case busy = "sender busy before"
  /// All processors sleep.
  case idle = "machine idle before"

  func pause() {
    switch self {
    case .busy: spin(nanoseconds: 300_000)
    case .idle: sleep(nanoseconds: 10_000_000)
    }
  }
}

/// Measures the time from just before kill() to the first statement of the command's handler, which reads the clock and
/// sends it through a pipe. The harness sleeps during this time, so its processor is free.
func measureSignals(_ bench: Bench) throws(Failure) {
  for placement in Placement.allCases {
    for before in Before.allCases {
      let medians = try place(placement) { () throws(Failure) in try latencies(bench, before) }
      let circumstances = "\(placement.rawValue), \(before.rawValue)"
      bench.report.add(Row("forwarded signal, \(circumstances)", .nanoseconds, medians))
      // The remaining case depends on where the scheduler put each command: it is shown but not judged.
      if placement == .one || before == .busy {
        bench.report.judge("forwarded signal at most 1.3 × tini, \(circumstances)", .nanoseconds, medians, atMost: 1.3)
      }
    }
  }
}

/// Signals all programs in turn. Restarts them now and then, because their placement by the scheduler lasts.
private func latencies(_ bench: Bench, _ before: Before) throws(Failure) -> [String: Double] {
  let rounds = before == .busy ? bench.options.rounds(300, quick: 100) : bench.options.rounds(30, quick: 20)
  var samples = Samples(bench.programs)
  for _ in 0..<bench.options.rounds(8, quick: 3) {
    let sessions = try startSessions(bench, ["stamp"])
    for round in -5..<rounds {
      for program in bench.shuffled() {
        before.pause()
        let sent = now()
        kill(sessions[program].pid, SIGUSR1)
        let arrived = try sessions[program].receive()
        if round >= 0 { samples.add(Double(arrived - sent), for: program) }
      }
    }
    for session in sessions { _ = session.end() }
  }
  return samples.medians(bench.programs)
}
