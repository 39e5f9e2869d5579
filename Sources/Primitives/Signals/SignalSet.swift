/// A set of signals in the kernel's own form: one 64-bit word, bit 0 is signal 1.
package struct SignalSet: Equatable, Sendable {
  /// One bit for each signal.
  package private(set) var mask: UInt64

  /// Of the kernel's form; empty without one.
  package init(mask: UInt64 = 0) { self.mask = mask }
  /// Of these.
  package init(_ signals: [Signal]) {
    mask = 0
    for signal in signals { insert(signal) }
  }

  /// All 64.
  package static let all = SignalSet(mask: .max)

  /// What cannot be forwarded or must not be: SIGKILL and SIGSTOP cannot be caught; SIGCHLD is about ebb's own
  /// children; the faults that a thread's own instruction raises (ILL, TRAP, BUS, FPE, SEGV, SYS) are ebb's own death
  /// and not a message; SIGTTIN and SIGTTOU are the terminal's word to ebb's process group and not to the command's; 32
  /// and 33 are glibc's own, which unblocks them in each thread.
  package static let neverForwarded = SignalSet(mask: bits([4, 5, 7, 8, 9, 11, 17, 19, 21, 22, 31, 32, 33]))

  private static func bits(_ numbers: [UInt64]) -> UInt64 { numbers.reduce(0) { $0 | 1 << ($1 - 1) } }

  /// Whether it is in the set.
  package func contains(_ signal: Signal) -> Bool { mask & bit(signal) != 0 }
  package mutating func insert(_ signal: Signal) { mask |= bit(signal) }
  /// Those that are not in the other set.
  package func subtracting(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask & ~other.mask) }
  /// Those that are in both.
  package func intersection(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask & other.mask) }
  /// Those that are in either.
  package func union(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask | other.mask) }

  /// In the order of their numbers.
  package var signals: [Signal] { (1...64).compactMap(Signal.init(number:)).filter(contains) }

  private func bit(_ signal: Signal) -> UInt64 { 1 << UInt64(signal.number - 1) }
}

extension SignalSet {
  /// TERM if it is in the set, else the one with the lowest number.
  package var usual: Signal? { contains(.sigterm) ? .sigterm : signals.first }
}
