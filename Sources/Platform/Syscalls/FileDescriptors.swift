import CPlatform

/// Closes all inherited descriptors except standard streams and `kept`, which is ebb's own. The command has its own
/// copies; ebb's would keep a pipe or lock open that the command has closed. Must run before Dispatch opens any.
package func closeInheritedDescriptors(but kept: Int32?) {
  if let kept, kept > 2 {
    if (kept == 3 || ebb_close_range(3, kept - 1) == 0) && ebb_close_range(kept + 1, .max) == 0 { return }
  } else if ebb_close_range(3, .max) == 0 {
    return
  }
  // A kernel before 5.9, or a seccomp profile that does not know close_range(2).
  guard let folder = opendir("/proc/self/fd") else {
    for descriptor in 3..<Int32(1024) where descriptor != kept { close(descriptor) }
    return
  }
  var open: [Int32] = []
  while true {
    let descriptor = ebb_readdir_number(folder)  // its entries are numbers, as in /proc
    if descriptor == 0 { break }
    if descriptor > 2, descriptor != kept { open.append(descriptor) }
  }
  closedir(folder)
  for descriptor in open { close(descriptor) }
}

/// Returns the soft limit of open descriptors; getrlimit(2).
package func descriptorLimit() -> Int { Int(ebb_descriptor_limit()) }

/// Opens a placeholder for each closed descriptor from 0 to 2, which can be neither read nor written. Otherwise a
/// socket or timer of ebb's could get the number and receive log lines. Must run after the spawn: the command must find
/// them closed, as ebb did.
package func openMissingStandardStreams() {
  for descriptor in Int32(0)...2 where dup2(descriptor, descriptor) == -1 {
    let placeholder = ebb_open_placeholder()  // the lowest free number is this one
    if placeholder > 2 { close(placeholder) }
  }
}

/// Moves an open file above descriptor 2, so that no log line goes to it if ebb was started with a standard descriptor
/// closed. Closes the old number, unless it throws EMFILE.
func movedAboveStandardStreams(_ descriptor: Int32) throws(Errno) -> Int32 {
  guard descriptor <= 2 else { return descriptor }
  let above = try valueOrErrno { ebb_duplicate_above(descriptor, 3) }
  close(descriptor)
  return above
}

/// Opens a file for writing, truncated and close-on-exec, and creates it if needed; open(2). Throws EACCES, EROFS,
/// ENOENT for a missing folder.
package func createFile(_ path: String) throws(Errno) -> Int32 {
  try valueOrErrno { ebb_open_truncate(path.systemPath, true) }
}

/// Writes all bytes and blocks if necessary, also on a descriptor with O_NONBLOCK. Throws EPIPE, EBADF.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
  var remaining = bytes[...]
  while !remaining.isEmpty {
    do throws(Errno) {
      let written = remaining.withUnsafeBytes { buffer in
        Result<Int, Errno> { () throws(Errno) in
          try valueOrErrno { write(descriptor, buffer.baseAddress, buffer.count) }
        }
      }
      remaining = remaining.dropFirst(try written.get())
    } catch {
      guard error.code == EAGAIN else { throw error }
      _ = waitUntilWritable(descriptor, milliseconds: -1)
    }
  }
}

/// Writes the whole line if that is possible without blocking. Returns whether it did.
func writeNow(_ line: [UInt8], to descriptor: Int32) -> Bool {
  line.withUnsafeBytes { buffer in buffer.baseAddress.map { ebb_write_now(descriptor, $0, buffer.count) } ?? true }
}

/// Waits until there is something to read, at most `milliseconds`. Returns whether there is; poll(2).
package func waitUntilReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&entry, 1, milliseconds) == 1
}

/// Waits until some bytes can be written, at most `milliseconds` (-1: no limit). Returns whether they can; poll(2).
package func waitUntilWritable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  return poll(&entry, 1, milliseconds) == 1
}

/// Returns the first bytes of a file; open(2), read(2). Throws ENOENT, EACCES, EMFILE, and ESRCH in /proc.
@inline(never)  // saves 3 kB
func readFile(_ path: String, upTo count: Int) throws(Errno) -> [UInt8] {
  var failure: Errno?
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    filled = 0
    guard let base = buffer.baseAddress else { return }
    do throws(Errno) {
      filled = Int(try valueOrErrno { ebb_read_file(path.systemPath, base, Int32(count)) })
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}
