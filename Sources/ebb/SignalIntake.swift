import CPlatform
import Platform
import Supervision

/// The signals that come to ebb: Dispatch sources for those that are sent for a reason every day, and one descriptor for
/// all others. A source is one more descriptor, which the kernel wakes at every signal whether it is meant or not (0.2 µs
/// of about 20).
final class SignalIntake {
  private let queue: dispatch_queue_t

  /// Where descriptors are short more signals share one: some must be left for looking at /proc, and for a client of the
  /// health endpoint.
  private static let signalsWithSource: [Signal] =
    descriptorLimit() < 32 ? [.terminate] : [.terminate, .interrupt, .hangup, .user1]

  /// Of signal descriptors: one each, SIGCHLD's, and that of all others.
  static let descriptorCount = signalsWithSource.count + 2

  init(on queue: dispatch_queue_t) { self.queue = queue }

  /// From now on `received` is called for each signal, and `childrenChanged` for SIGCHLD. Throws EMFILE, ENFILE, ….
  func start(received: @escaping (Signal) -> Void, childrenChanged: @escaping () -> Void) throws(Errno) {
    for signal in SignalIntake.signalsWithSource {
      DispatchSource(signal: signal, on: queue).start { received(signal) }
    }
    DispatchSource(signal: .child, on: queue).start(childrenChanged)
    // SIGCHLD excepted, what is never forwarded stays blocked and pending: it does nothing.
    let others = SignalSet.all.subtracting(SignalSet(SignalIntake.signalsWithSource)).subtracting(.neverForwarded)
    let descriptor = try openSignalDescriptor(others)
    // A handful at a time: a storm of signals must not keep the deadlines waiting. The source fires again while there
    // are more.
    DispatchSource(readable: descriptor, on: queue).start {
      guard let signals = try? takeSignals(from: descriptor) else { return }
      for signal in signals { received(signal) }
    }
  }
}
