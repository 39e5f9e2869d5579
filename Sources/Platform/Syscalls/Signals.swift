import CPlatform
import Primitives

/// Blocks every signal in this thread and in each thread that it starts. Returns the previous mask; sigprocmask(2).
package func blockAllSignals() -> SignalSet {
  SignalSet(mask: ebb_set_signal_mask(SignalSet.all.mask))
}

/// Blocks exactly these signals in this thread; sigprocmask(2).
package func setBlockedSignals(_ signals: SignalSet) { _ = ebb_set_signal_mask(signals.mask) }

/// Returns whether the signal is ignored. With SIGCHLD ignored, exit codes would be lost. sigaction(2).
package func isIgnored(_ signal: Signal) -> Bool { ebb_is_ignored(signal.number) }

/// Restores the default action; sigaction(2).
package func setDefaultAction(_ signal: Signal) { ebb_set_default_action(signal.number) }

package enum ResolvedSignalTarget: Sendable {
  case process(Int32)
  case group(Int32)

  /// Returns whether this is the command or its process group.
  package func isCommand(_ command: Int32) -> Bool {
    switch self {
    case .process(let pid): pid == command
    case .group(let group): group == command
    }
  }

  package var text: String {
    switch self {
    case .process(let pid): "process \(pid)"
    case .group(let group): "process group \(group)"
    }
  }
}

/// Sends a signal; kill(2). Throws ESRCH if there is no such process, EPERM if it belongs to another user.
@inline(__always)  // called for each forwarded signal, and has few callers
package func sendSignal(_ signal: Signal, to target: ResolvedSignalTarget) throws(Errno) {
  switch target {
  case .process(let pid): try valueOrErrno { kill(pid, signal.number) }
  case .group(let group): try valueOrErrno { kill(-group, signal.number) }
  }
}

/// Returns a descriptor that is readable while one of these blocked signals is pending; signalfd(2). Throws EMFILE.
package func openSignalDescriptor(_ signals: SignalSet) throws(Errno) -> Int32 {
  try valueOrErrno { ebb_signalfd(signals.mask) }
}

/// Reads some pending signals from a signalfd, oldest first, perhaps none. Never blocks. Throws EBADF.
package func takeSignals(from descriptor: Int32) throws(Errno) -> [Signal] {
  let numbers = try readArray(upTo: 16) { Int(ebb_read_signals(descriptor, $0, 16)) }
  return numbers.compactMap { Signal(number: Int($0)) }
}

/// Waits for the next pending signal; `nil` if none came within `limit`. All must be blocked. sigtimedwait(2).
package func waitForSignal(within limit: TimeAmount) -> Signal? {
  Signal(number: Int(ebb_wait_for_signal(SignalSet.all.mask, max(limit, .zero).nanoseconds)))
}

/// Sets the signal that this process receives when its parent dies; prctl(2). `parent`: the parent at the start. If it
/// died before this call, sends the signal immediately, because the kernel will not. Throws as prctl(2).
package func setParentDeathSignal(_ signal: Signal, parent: Int32) throws(Errno) {
  try valueOrErrno { ebb_set_parent_death_signal(signal.number) }
  if getppid() != parent { try sendSignal(signal, to: .process(getpid())) }
}

/// Returns whether orphans become children of this process although it is not PID 1; execve(2) keeps this. prctl(2).
package func isSubreaper() -> Bool { ebb_is_subreaper() }

/// Makes orphans become children of this process, as they do of PID 1; prctl(2). Throws as prctl(2).
package func becomeSubreaper() throws(Errno) {
  try valueOrErrno { ebb_become_subreaper() }
}
