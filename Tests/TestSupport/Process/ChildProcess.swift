import Glibc

/// A process that this one has started, which ends with this object at the latest.
package final class Child {
  package let pid: pid_t
  /// Becomes readable at the end of the process.
  package let descriptor: Int32
  private var ended: Ending?

  package init(_ launch: Launch) throws(Failure) {
    pid = try launch.start()
    descriptor = try openProcess(pid)
  }

  deinit {
    if ended == nil {
      signal(SIGKILL)
      _ = ending(within: -1)
    }
    close(descriptor)
  }

  /// Nothing happens if it has ended.
  package func signal(_ number: Int32) {
    if ended == nil { kill(pid, number) }
  }

  /// How it ended; nil: it has not within this time. A negative time is for ever.
  package func ending(within milliseconds: Int32) -> Ending? {
    if let ended { return ended }
    guard waitReadable(descriptor, milliseconds: milliseconds) else { return nil }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
    ended = Ending(status: status)
    return ended
  }
}
