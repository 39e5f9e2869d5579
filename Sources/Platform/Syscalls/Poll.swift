import CPlatform
import Primitives

/// Descriptors that are waited for together; poll(2).
package struct PollSet {
  private var entries: [pollfd] = []

  /// Waits for nothing.
  package init() {}

  /// Adds one, at the next index: for bytes to read or a connection, or else for room to write or the end of connecting.
  package mutating func add(_ descriptor: Int32, forWriting: Bool = false) {
    entries.append(pollfd(fd: descriptor, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0))
  }

  /// Waits until one of them has come, or has failed, and not longer than `limit`.
  package mutating func wait(within limit: TimeAmount) {
    // Up: what is due in half a millisecond is not due now.
    let milliseconds = max(0, min(limit.milliseconds + (limit > .zero ? 1 : 0), 60_000))
    poll(&entries, nfds_t(entries.count), Int32(milliseconds))
  }

  /// What the last wait has found of the one at this index.
  package func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}
