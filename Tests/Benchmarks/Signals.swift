import Glibc
import TestSupport

/// What the machine did before a signal was sent.
private enum Before: String, CaseIterable {
  /// The sender's processor is awake, as that of a runtime at work is.
  case busy = "sender busy before"
  /// Everything slept.
  case idle = "machine idle before"

  func pause() {
    switch self {
    case .busy: spin(nanoseconds: 300_000)
    case .idle: sleep(nanoseconds: 10_000_000)
    }
  }
}

/// From just before kill() to the first statement of the command's handler, which reads the clock and sends it through
/// a pipe. The harness sleeps meanwhile, so its processor is free.
func measureSignals(_ bench: Bench) throws(Failure) {
  for placement in Placement.allCases {
    for before in Before.allCases {
      let medians = try place(placement) { () throws(Failure) in try latencies(bench, before) }
      let circumstances = "\(placement.rawValue), \(before.rawValue)"
      bench.report.add(Row("forwarded signal, \(circumstances)", .nanoseconds, medians))
      // What remains is decided by where the scheduler happened to put each command: shown, but no ground for a
      // verdict.
      if placement == .one || before == .busy {
        bench.report.judge("forwarded signal at most 1.3 × tini, \(circumstances)", .nanoseconds, medians, atMost: 1.3)
      }
    }
  }
}

/// All programs stay alive and are sent to in turn; now and then they start anew, since where the scheduler puts them
/// lasts.
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
