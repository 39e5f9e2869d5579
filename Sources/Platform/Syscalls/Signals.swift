import CPlatform
import Primitives

/// Blocks every signal in this thread, and so in each thread that it starts. Returns what was blocked before;
/// sigprocmask(2).
package func blockAllSignals() -> SignalSet {
  SignalSet(mask: ebb_set_signal_mask(SignalSet.all.mask))
}

/// Blocks these signals in this thread, and no other; sigprocmask(2).
package func setBlockedSignals(_ signals: SignalSet) { _ = ebb_set_signal_mask(signals.mask) }

/// Whether the signal is ignored; an ignored SIGCHLD would throw exit codes away. sigaction(2).
package func isIgnored(_ signal: Signal) -> Bool { ebb_is_ignored(signal.number) }

/// Back to the default action; sigaction(2).
package func setDefaultAction(_ signal: Signal) { ebb_set_default_action(signal.number) }

/// Where to send a signal.
package enum ResolvedSignalTarget: Sendable {
  case process(Int32)
  case group(Int32)

  /// The process, or its group.
  package func isCommand(_ command: Int32) -> Bool {
    switch self {
    case .process(let pid): pid == command
    case .group(let group): group == command
    }
  }

  /// For a message.
  package var text: String {
    switch self {
    case .process(let pid): "process \(pid)"
    case .group(let group): "process group \(group)"
    }
  }
}

/// Sends a signal; kill(2). Throws ESRCH where nobody is left, EPERM where the receiver is another user's.
@inline(__always)  // each forwarded signal goes this way, and there are few callers
package func sendSignal(_ signal: Signal, to target: ResolvedSignalTarget) throws(Errno) {
  switch target {
  case .process(let pid): try valueOrErrno { kill(pid, signal.number) }
  case .group(let group): try valueOrErrno { kill(-group, signal.number) }
  }
}

/// A descriptor that is readable while one of these blocked signals is pending; signalfd(2).
package func openSignalDescriptor(_ signals: SignalSet) throws(Errno) -> Int32 {
  try valueOrErrno { ebb_signalfd(signals.mask) }
}

/// Takes some of the signals pending at a signalfd, oldest first; empty when there is none. Never waits.
package func takeSignals(from descriptor: Int32) throws(Errno) -> [Signal] {
  let most = 16
  var failure: Errno?
  let numbers = [UInt32](unsafeUninitializedCapacity: most) { buffer, count in
    count = 0
    guard let base = buffer.baseAddress else { return }
    do throws(Errno) {
      count = Int(try valueOrErrno { ebb_read_signals(descriptor, base, Int32(most)) })
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return numbers.compactMap { Signal(number: Int($0)) }
}

/// The next pending signal, all being blocked; nil: none came within the time. sigtimedwait(2).
package func nextSignal(within limit: TimeAmount) -> Signal? {
  Signal(number: Int(ebb_wait_for_signal(SignalSet.all.mask, max(limit, .zero).nanoseconds)))
}

/// The signal that this process gets when its parent dies; prctl(2). `parent` is the parent at start: where it died
/// before this call the signal is sent at once, since the kernel will not.
package func setParentDeathSignal(_ signal: Signal, parent: Int32) throws(Errno) {
  try valueOrErrno { ebb_set_parent_death_signal(signal.number) }
  if getppid() != parent { try sendSignal(signal, to: .process(getpid())) }
}

/// Whether orphaned descendants become children of this process though it is not PID 1; prctl(2). execve(2) keeps that.
package func isSubreaper() -> Bool { ebb_is_subreaper() }

/// Orphaned descendants become children of this process, as they do of PID 1; prctl(2).
package func becomeSubreaper() throws(Errno) {
  try valueOrErrno { ebb_become_subreaper() }
}
