import Glibc

/// A process that this one has started. It ends with this object at the latest.
package final class Child {
  package let pid: pid_t
  /// Becomes readable at the end of the process.
  package let descriptor: Int32
  private var exit: Exit?

  package init(_ launch: Launch) throws(Failure) {
    pid = try launch.start()
    descriptor = try openProcess(pid)
  }

  deinit {
    if exit == nil {
      signal(SIGKILL)
      _ = ending(within: -1)
    }
    close(descriptor)
  }

  /// Sends a signal, unless the process has ended.
  package func signal(_ number: Int32) {
    if exit == nil { kill(pid, number) }
  }

  /// Returns how it ended, or `nil` if it has not ended within this time; -1 waits without a limit.
  package func ending(within milliseconds: Int32) -> Exit? {
    if let exit { return exit }
    guard isReady(descriptor, within: milliseconds) else { return nil }
    exit = Exit(waitingFor: pid)
    return exit
  }
}

/// Returns a descriptor that becomes readable when the process has ended. The Glibc module does not know the call.
///
/// - Throws: A `Failure` if there is no such process.
package func openProcess(_ pid: pid_t) throws(Failure) -> Int32 {
  typealias Function = @convention(c) (pid_t, UInt32) -> Int32
  guard let symbol = dlsym(nil, "pidfd_open") else { throw Failure("this C library has no pidfd_open") }
  let descriptor = unsafeBitCast(symbol, to: Function.self)(pid, 0)
  guard descriptor >= 0 else { throw Failure("pidfd_open(\(pid)): \(text(errno))") }
  return descriptor
}
