import CLibcStubs
import CPlatform
import Platform
import Primitives

/// The signals that ebb receives: one Dispatch source for SIGCHLD, and one for all that may be forwarded.
final class SignalIntake {
  private let queue: dispatch_queue_t
  private var received: (Signal) -> Void = { _ in }
  private var isComplete = false

  /// Except SIGCHLD, signals that are never forwarded stay blocked and pending, without effect.
  private let signals: SignalSet
  private static let source = Signal.sigterm

  /// The number of signal descriptors, including that of `receiveOthers`.
  static let descriptorCount = 3

  init(on queue: dispatch_queue_t, without ignored: SignalSet) {
    (self.queue, signals) = (queue, .all.subtracting(ignored))
  }

  /// Calls `received` for each signal from now on, and `childrenChanged` for SIGCHLD.
  func start(received: @escaping (Signal) -> Void, childrenChanged: @escaping () -> Void) {
    self.received = received
    ebb_join_signals(SignalIntake.source.number, signals.mask)
    DispatchSource(signal: SignalIntake.source, on: queue).start {
      var mask = ebb_take_joined_signals()
      if mask == 0 { received(SignalIntake.source) }
      while mask != 0, let signal = Signal(number: mask.trailingZeroBitCount + 1) {
        received(signal)
        mask &= mask - 1
      }
    }
    DispatchSource(signal: .sigchld, on: queue).start(childrenChanged)
  }

  /// Call this after the sources are installed. If another version of Dispatch did not let one source stand for all
  /// signals, opens a second descriptor for the others, at twice the system calls. Throws EMFILE, ENFILE.
  func receiveOthers() throws(Errno) {
    guard !isComplete else { return }
    isComplete = true
    if ebb_has_joined_signals() { return }
    let descriptor = try openSignalDescriptor(signals.subtracting(SignalSet([SignalIntake.source])))
    // A few at a time, so that many signals cannot delay the deadlines. The source fires again while there are more.
    DispatchSource(readable: descriptor, on: queue).start { [self] in
      guard let signals = try? takeSignals(from: descriptor) else { return }
      for signal in signals { received(signal) }
    }
  }
}
