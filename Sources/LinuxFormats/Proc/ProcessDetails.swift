import Primitives

/// A process as a person wants to see it.
package struct ProcessDetails: Sendable {
  package let entry: ProcPIDStat
  /// Generations below the supervisor: its children have 0.
  package let depth: Int
  /// Fifteen bytes of anything that its program or somebody else chose.
  package let name: String
  /// argv[0], of a script by its `#!` line the interpreter; empty where /proc does not say.
  package var firstArgument = ""
  /// The letter of proc_pid_stat(5): R, S, D, T, Z, ….
  package let state: String
  /// Its process group.
  package let group: Int32
  /// Its pid in its own pid namespace.
  package let ownPid: Int32
  /// Nil where there is none (a zombie) or /proc does not say.
  package let residentBytes: Int?
  /// Nil for a zombie, which gets no signals, and where /proc does not say.
  package var signals: Dispositions?
  /// Since its start.
  package let age: TimeAmount

  /// What a process has arranged for its signals.
  package struct Dispositions: Sendable {
    /// In all its threads: where one of them lets a signal through, it arrives.
    package private(set) var blocked: SignalSet
    /// Thrown away.
    package let ignored: SignalSet
    /// With a handler.
    package let caught: SignalSet
    /// A thread sits in sigwait(3) or one of its kin, and no other thread lets these through: it is they that it waits
    /// for.
    package private(set) var awaited = SignalSet()

    /// The process takes each blocked signal from a descriptor; signalfd(2).
    package mutating func takeAll() { (awaited, blocked) = (blocked, SignalSet()) }

    /// Takes in what /proc/PID/status, which speaks of the first thread alone, does not say.
    ///
    /// While a thread waits in sigtimedwait(2), the kernel shows the signals it waits for as not blocked: tini and
    /// every daemon with a signal thread would look as if they died of them.
    package mutating func add(_ threads: [Thread]) {
      let waiting = threads.filter { $0.waitsForSignals }
      let others = threads.filter { !$0.waitsForSignals }
      blocked = threads.reduce(blocked) { $0.intersection($1.blocked) }
      let blockedElsewhere = others.reduce(SignalSet.all) { $0.intersection($1.blocked) }
      let blockedByWaiting = waiting.reduce(SignalSet.all) { $0.intersection($1.blocked) }
      awaited = blockedElsewhere.subtracting(blockedByWaiting)
    }
  }

  /// What a thread of a process does with signals.
  package struct Thread: Sendable {
    let blocked: SignalSet
    let waitsForSignals: Bool

    /// From the bytes of /proc/PID/task/TID/status, and of `wchan` beside it: the kernel function that the thread
    /// sleeps in, `0` where this user may not know. Nil where the thread is gone.
    package init?(status: [UInt8], place: [UInt8]) {
      guard let blocked = ProcPIDStatus(status).signals("SigBlk:") else { return nil }
      self.blocked = blocked
      waitsForSignals = place.starts(with: "do_sigtimedwait".utf8)
    }
  }

  /// From the bytes of /proc/PID/stat and /proc/PID/status, the latter empty where they cannot be read; nil where the
  /// first is none. `sinceBoot` is now, on the clock of the start times in /proc.
  package init?(stat: [UInt8], status: [UInt8], depth: Int, sinceBoot: TimeAmount) {
    guard let entry = ProcPIDStat(stat: stat), let open = stat.firstIndex(of: UInt8(ascii: "(")),
      let close = stat.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = stat[(close + 1)...].split(separator: UInt8(ascii: " "))
    self.entry = entry
    self.depth = depth
    name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
    state = String(decoding: fields[0].prefix(1), as: UTF8.self)
    group = Int32(parseDecimal(fields[2], max: Int(Int32.max)) ?? 0)
    let ticks = Int64(clamping: min(entry.startTime, UInt64(TimeAmount.longest.nanoseconds)))
    age = max(.zero, sinceBoot - TimeAmount(nanoseconds: ticks &* 10_000_000))

    let facts = ProcPIDStatus(status)
    ownPid = facts.ownPid ?? entry.pid
    residentBytes = facts.first("VmRSS:").flatMap { parseDecimal($0, max: .max / 1024) }.map { $0 * 1024 }
    let isAlive = fields[0].first != UInt8(ascii: "Z") && fields[0].first != UInt8(ascii: "X")
    if isAlive, let blocked = facts.signals("SigBlk:"), let ignored = facts.signals("SigIgn:"),
      let caught = facts.signals("SigCgt:")
    {
      signals = Dispositions(blocked: blocked, ignored: ignored, caught: caught)
    } else {
      signals = nil
    }
  }
}

extension ProcessDetails {
  /// Dead, and not waited for yet.
  package var isZombie: Bool { state.bytesEqual("Z") }

  /// What a signal would do to a process.
  package enum Effect: Sendable {
    /// By a handler, or by a thread that waits for it.
    case caught
    case ignored, blocked
    /// The signal's default action, which is death at once.
    case defaultAction

    /// As JSON has it.
    package var name: String {
      switch self {
      case .caught: "caught"
      case .ignored: "ignored"
      case .blocked: "blocked"
      case .defaultAction: "default"
      }
    }
  }

  /// Nil where that is not known. A signal that is blocked stays pending, whatever else is arranged for it.
  package func effect(of signal: Signal) -> Effect? {
    guard let signals else { return nil }
    if signals.blocked.contains(signal) { return .blocked }
    if signals.caught.contains(signal) || signals.awaited.contains(signal) { return .caught }
    return signals.ignored.contains(signal) || signal.isIgnoredByDefault ? .ignored : .defaultAction
  }
}
