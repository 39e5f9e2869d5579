/// A set of signals in the kernel's form: a 64-bit mask whose bit 0 is signal 1.
package struct SignalSet: Equatable, Sendable {
  /// The kernel's form: bit N - 1 is signal N.
  package private(set) var mask: UInt64

  /// Makes a set from the kernel's form; empty by default.
  package init(mask: UInt64 = 0) { self.mask = mask }
  package init(_ signals: [Signal]) {
    mask = 0
    for signal in signals { insert(signal) }
  }

  package static let all = SignalSet(mask: .max)

  /// The signals that ebb cannot or must not forward:
  /// - KILL and STOP cannot be caught.
  /// - CHLD reports changes of ebb's own children.
  /// - ILL, TRAP, BUS, FPE, SEGV and SYS are faults of ebb's own threads, so they must kill ebb.
  /// - TTIN and TTOU are sent by the terminal to ebb's process group, not to the command's.
  /// - 32 and 33 are reserved by glibc, which unblocks them in each thread.
  package static let neverForwarded = SignalSet(mask: bits([4, 5, 7, 8, 9, 11, 17, 19, 21, 22, 31, 32, 33]))

  private static func bits(_ numbers: [UInt64]) -> UInt64 { numbers.reduce(0) { $0 | 1 << ($1 - 1) } }

  package func contains(_ signal: Signal) -> Bool { mask & bit(signal) != 0 }
  package mutating func insert(_ signal: Signal) { mask |= bit(signal) }
  package func subtracting(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask & ~other.mask) }
  package func intersection(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask & other.mask) }
  package func union(_ other: SignalSet) -> SignalSet { SignalSet(mask: mask | other.mask) }

  /// The signals in ascending order of their numbers.
  package var signals: [Signal] { (1...64).compactMap(Signal.init(number:)).filter(contains) }

  private func bit(_ signal: Signal) -> UInt64 { 1 << UInt64(signal.number - 1) }
}

extension SignalSet {
  /// TERM if it is in the set, else the signal with the lowest number.
  package var usual: Signal? { contains(.sigterm) ? .sigterm : signals.first }
}
