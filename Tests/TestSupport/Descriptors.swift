import Glibc

/// Prints one line on standard error.
package func complain(_ line: String) {
  writeAll(line + "\n", to: 2)
}

/// Prints progress on standard error, so that the table can be redirected.
package func progress(_ line: String) {
  complain("… \(line)")
}

/// Writes the whole text. Returns false if the descriptor reports an error.
@discardableResult
package func writeAll(_ text: String, to descriptor: Int32) -> Bool {
  transferAll(text) { write(descriptor, $0.baseAddress, $0.count) }
}

/// Sends the whole text without SIGPIPE. Returns false if the connection reports an error.
package func sendAll(_ text: String, over socket: Int32) -> Bool {
  transferAll(text) { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
}

private func transferAll(_ text: String, _ transfer: (UnsafeRawBufferPointer) -> Int) -> Bool {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes(transfer)
    if count < 0 && errno == EINTR { continue }
    if count <= 0 { return false }
    bytes = bytes.dropFirst(count)
  }
  return true
}

/// Makes a pipe that spawned programs do not inherit.
///
/// - Throws: A `Failure` if there are too many descriptors.
package func makePipe() throws(Failure) -> (read: Int32, write: Int32) {
  try spawning.withLock { _ throws(Failure) in
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure("pipe: \(text(errno))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// Waits until one of the poll(2) events happens. Returns false if the time has passed first; -1 waits without a limit.
package func isReady(_ descriptor: Int32, for events: Int32 = POLLIN, within milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  while true {
    let count = poll(&entry, 1, milliseconds)
    if count < 0 && errno == EINTR { continue }
    return count > 0
  }
}

/// Raises the soft limit of open descriptors to the given number, but not above the hard limit.
package func raiseDescriptorLimit(to count: rlim_t = .max) {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  guard limit.rlim_cur < count else { return }
  limit.rlim_cur = min(count, limit.rlim_max)
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
