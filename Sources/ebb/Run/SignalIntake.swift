import CLibcStubs
import CPlatform
import Platform
import Primitives

/// The signals that come to ebb: a Dispatch source for SIGCHLD, and one that stands for all that may be forwarded.
final class SignalIntake {
  private let queue: dispatch_queue_t
  private var received: (Signal) -> Void = { _ in }
  private var isComplete = false

  /// SIGCHLD excepted, what is never forwarded stays blocked and pending: it does nothing.
  private let signals: SignalSet
  private static let source = Signal.sigterm

  /// Of signal descriptors, `receiveOthers` included.
  static let descriptorCount = 3

  init(on queue: dispatch_queue_t, without ignored: SignalSet) {
    (self.queue, signals) = (queue, .all.subtracting(ignored))
  }

  /// From now on `received` is called for each signal, and `childrenChanged` for SIGCHLD.
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

  /// To be called when the sources are installed: where a Dispatch of another version has not let the one stand for all,
  /// the others have a descriptor of their own, at twice the system calls. Throws EMFILE, ENFILE, ….
  func receiveOthers() throws(Errno) {
    guard !isComplete else { return }
    isComplete = true
    if ebb_has_joined_signals() { return }
    let descriptor = try openSignalDescriptor(signals.subtracting(SignalSet([SignalIntake.source])))
    // A handful at a time: a storm of signals must not keep the deadlines waiting. The source fires again while there
    // are more.
    DispatchSource(readable: descriptor, on: queue).start { [self] in
      guard let signals = try? takeSignals(from: descriptor) else { return }
      for signal in signals { received(signal) }
    }
  }
}
