import CPlatform
import Primitives

/// A set of descriptors to wait for; poll(2).
package struct PollSet {
  private var entries: [pollfd] = []

  package init() {}

  /// Adds a descriptor at the next index: waits for bytes or a connection, or `forWriting` for room or connecting.
  package mutating func add(_ descriptor: Int32, forWriting: Bool = false) {
    entries.append(pollfd(fd: descriptor, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0))
  }

  /// Waits until one of them is ready or has failed, at most `limit`.
  package mutating func wait(within limit: TimeAmount) {
    // Round up: a deadline in 0.5 ms is not due yet.
    let milliseconds = max(0, min(limit.milliseconds + (limit > .zero ? 1 : 0), 60_000))
    poll(&entries, nfds_t(entries.count), Int32(milliseconds))
  }

  /// Returns whether the descriptor at this index was ready after the last wait.
  package func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}
