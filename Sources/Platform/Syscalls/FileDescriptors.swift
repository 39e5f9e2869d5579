import CPlatform

/// Closes what ebb inherited beside standard input, output and error, but not `kept`, which is ebb's own. The command
/// has its own copies; ebb's would keep a pipe or a lock open that the command has closed. Must run before Dispatch
/// opens descriptors of its own.
package func closeInheritedDescriptors(but kept: Int32?) {
  if let kept, kept > 2 {
    if (kept == 3 || ebb_close_range(3, kept - 1) == 0) && ebb_close_range(kept + 1, .max) == 0 { return }
  } else if ebb_close_range(3, .max) == 0 {
    return
  }
  // A kernel before 5.9, or a seccomp profile older than the call.
  guard let folder = opendir("/proc/self/fd") else {
    for descriptor in 3..<Int32(1024) where descriptor != kept { close(descriptor) }
    return
  }
  var open: [Int32] = []
  while true {
    let descriptor = ebb_readdir_number(folder)  // entries are numbers here too
    if descriptor == 0 { break }
    if descriptor > 2, descriptor != kept { open.append(descriptor) }
  }
  closedir(folder)
  for descriptor in open { close(descriptor) }
}

/// How many descriptors this process may have open; getrlimit(2).
package func descriptorLimit() -> Int { Int(ebb_descriptor_limit()) }

/// Fills those of descriptors 0 to 2 that are closed with one that can neither be read nor written: a socket or timer
/// of ebb's own would get the number otherwise, and log lines with it. Must run after the spawn: the command gets them
/// closed, as ebb did.
package func openMissingStandardStreams() {
  for descriptor in Int32(0)...2 where dup2(descriptor, descriptor) == -1 {
    let placeholder = ebb_open_placeholder()  // the lowest free number is this one
    if placeholder > 2 { close(placeholder) }
  }
}

/// The same open file under a number that no log line is written to, should ebb have been started with a standard
/// descriptor closed. The other number is closed then; it is not where this throws.
func movedAboveStandardStreams(_ descriptor: Int32) throws(Errno) -> Int32 {
  guard descriptor <= 2 else { return descriptor }
  let above = try valueOrErrno { ebb_duplicate_above(descriptor, 3) }
  close(descriptor)
  return above
}

/// Opens a file for its new content, close-on-exec, and creates it where there is none; open(2). Throws EACCES, EROFS,
/// ENOENT for the folder, ….
package func createFile(_ path: String) throws(Errno) -> Int32 {
  try valueOrErrno { ebb_open_truncate(path.systemPath, true) }
}

/// Writes all bytes, and may wait for that. For a descriptor that somebody set to O_NONBLOCK it waits all the same.
/// Throws EPIPE, EBADF, ….
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

/// Writes the whole line if that is possible without waiting, and returns whether it did.
func writeNow(_ line: [UInt8], to descriptor: Int32) -> Bool {
  line.withUnsafeBytes { buffer in buffer.baseAddress.map { ebb_write_now(descriptor, $0, buffer.count) } ?? true }
}

/// Whether there is something to read within the time; poll(2).
package func waitUntilReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&entry, 1, milliseconds) == 1
}

/// Whether some bytes can be written within the time; -1 waits for ever. poll(2).
package func waitUntilWritable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  return poll(&entry, 1, milliseconds) == 1
}

/// A file's first bytes; open(2), read(2).
@inline(never)  // three kilobytes less
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
