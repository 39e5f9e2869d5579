import CPlatform
import Primitives

// Waiting for descriptors and for time; poll(2). Signals do not end a wait.

/// A set of descriptors to wait for.
package struct PollSet {
  private var entries: [pollfd] = []

  package init() {}

  /// Adds a descriptor at the next index: waits for bytes or a connection, or `forWriting` for room or connecting.
  package mutating func add(_ descriptor: Int32, forWriting: Bool = false) {
    entries.append(pollfd(fd: descriptor, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0))
  }

  /// Waits until one of them is ready or has failed, at most `limit`. Returns whether one is.
  @discardableResult
  package mutating func wait(within limit: TimeAmount) -> Bool {
    let end = monotonicTime() + limit
    while true {
      let left = max(.zero, end - monotonicTime())
      // Round up, because a deadline in 0.5 ms is not due yet. A month is as good as the year that an option may name.
      let milliseconds = Int32(clamping: left.milliseconds + (left > .zero ? 1 : 0))
      let count = poll(&entries, nfds_t(entries.count), milliseconds)
      if count >= 0 || Errno.current.code != EINTR { return count > 0 }
    }
  }

  /// Returns whether the descriptor at this index was ready after the last wait.
  package func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}

/// Waits until there is something to read, or the descriptor has failed. Returns false if `limit` comes first.
package func waitUntilReadable(_ descriptor: Int32, within limit: TimeAmount) -> Bool {
  var set = PollSet()
  set.add(descriptor)
  return set.wait(within: limit)
}

/// Waits until some bytes can be written, or the descriptor has failed. Returns false if `limit` comes first.
package func waitUntilWritable(_ descriptor: Int32, within limit: TimeAmount) -> Bool {
  var set = PollSet()
  set.add(descriptor, forWriting: true)
  return set.wait(within: limit)
}

/// Waits for some time; negative: not at all.
package func sleep(for time: TimeAmount) {
  var nothing = PollSet()
  nothing.wait(within: time)
}
