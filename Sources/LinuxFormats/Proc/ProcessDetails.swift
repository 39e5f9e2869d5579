import Primitives

/// The facts about a process that `ebb status` shows.
package struct ProcessDetails: Sendable {
  package let entry: ProcPIDStat
  /// Generations below the supervisor; its children have 0.
  package let depth: Int
  /// Up to 15 bytes, which the program or another process chose.
  package let name: String
  /// argv[0]; the interpreter for a script with a `#!` line. Empty if /proc does not provide it.
  package var firstArgument = ""
  /// The letter in proc_pid_stat(5): R, S, D, T, Z, ….
  package let state: String
  package let group: Int32
  /// The PID in the process's own PID namespace.
  package let ownPid: Int32
  /// `nil` for a zombie, and if /proc does not provide it.
  package let residentBytes: Int?
  /// `nil` for a zombie, which receives no signals, and if /proc does not provide it.
  package var signals: Dispositions?
  package let age: TimeAmount

  /// How a process handles its signals.
  package struct Dispositions: Sendable {
    /// Blocked in all threads: a signal that one thread does not block is delivered.
    package private(set) var blocked: SignalSet
    package let ignored: SignalSet
    package let caught: SignalSet
    /// Signals that only threads in sigwait(3) or a similar call leave unblocked, so they wait for these.
    package private(set) var awaited = SignalSet()

    /// Counts each blocked signal as awaited, because the process reads them from a descriptor; signalfd(2).
    package mutating func takeAll() { (awaited, blocked) = (blocked, SignalSet()) }

    /// Adds the masks of all threads, because /proc/PID/status only shows the first thread's.
    ///
    /// While a thread waits in sigtimedwait(2), the kernel shows the awaited signals as unblocked. Without this
    /// correction, tini and every daemon with a signal thread would appear to die of them.
    package mutating func add(_ threads: [Thread]) {
      let waiting = threads.filter { $0.waitsForSignals }
      let others = threads.filter { !$0.waitsForSignals }
      blocked = threads.reduce(blocked) { $0.intersection($1.blocked) }
      let blockedElsewhere = others.reduce(SignalSet.all) { $0.intersection($1.blocked) }
      let blockedByWaiting = waiting.reduce(SignalSet.all) { $0.intersection($1.blocked) }
      awaited = blockedElsewhere.subtracting(blockedByWaiting)
    }
  }

  /// The signal mask of a thread, and whether it waits for signals.
  package struct Thread: Sendable {
    let blocked: SignalSet
    let waitsForSignals: Bool

    /// Parses the bytes of /proc/PID/task/TID/status and of the `wchan` file beside it. `wchan` has the kernel function
    /// in which the thread sleeps, or `0` if this user may not read it. `nil` if the thread is gone.
    package init?(status: [UInt8], place: [UInt8]) {
      guard let blocked = ProcPIDStatus(status).signals("SigBlk:") else { return nil }
      self.blocked = blocked
      waitsForSignals = place.starts(with: "do_sigtimedwait".utf8)
    }
  }

  /// Parses the bytes of /proc/PID/stat and /proc/PID/status; `status` is empty if it cannot be read. `nil` if `stat`
  /// is malformed. `sinceBoot` is the current time on the clock of the start times in /proc.
  package init?(stat: [UInt8], status: [UInt8], depth: Int, sinceBoot: TimeAmount) {
    guard let line = StatLine(stat), let entry = ProcPIDStat(line) else { return nil }
    (self.entry, self.depth, name) = (entry, depth, line.name)
    state = String(decoding: [line.state], as: UTF8.self)
    group = Int32(line.number(5, max: Int(Int32.max)) ?? 0)
    let ticks = Int64(clamping: min(entry.startTime, UInt64(TimeAmount.longest.nanoseconds)))
    age = max(.zero, sinceBoot - TimeAmount(nanoseconds: ticks &* 10_000_000))

    let facts = ProcPIDStatus(status)
    ownPid = facts.ownPid ?? entry.pid
    residentBytes = facts.first("VmRSS:").flatMap { parseDecimal($0, max: .max / 1024) }.map { $0 * 1024 }
    if !line.isDead, let blocked = facts.signals("SigBlk:"), let ignored = facts.signals("SigIgn:"),
      let caught = facts.signals("SigCgt:")
    {
      signals = Dispositions(blocked: blocked, ignored: ignored, caught: caught)
    } else {
      signals = nil
    }
  }
}

extension ProcessDetails {
  /// Dead, but not reaped yet.
  package var isZombie: Bool { state.bytesEqual("Z") }

  package enum Effect: Sendable {
    /// A handler runs, or a thread waits for the signal.
    case caught
    case ignored, blocked
    /// The signal's default action kills the process.
    case defaultAction

    /// The name in JSON.
    package var name: String {
      switch self {
      case .caught: "caught"
      case .ignored: "ignored"
      case .blocked: "blocked"
      case .defaultAction: "default"
      }
    }
  }

  /// Returns the effect of a signal; `nil` if unknown. A blocked signal stays pending even if ignored or caught.
  package func effect(of signal: Signal) -> Effect? {
    guard let signals else { return nil }
    if signals.blocked.contains(signal) { return .blocked }
    if signals.caught.contains(signal) || signals.awaited.contains(signal) { return .caught }
    return signals.ignored.contains(signal) || signal.isIgnoredByDefault ? .ignored : .defaultAction
  }
}
