import CPlatform
import Primitives

/// Closes all inherited descriptors except standard streams and `kept`, which is ebb's own. The command has its own
/// copies; ebb's would keep a pipe or lock open that the command has closed. Must run before Dispatch opens any.
package func closeInheritedDescriptors(but kept: Int32?) {
  if let kept, kept > 2 {
    if (kept == 3 || ebb_close_range(3, kept - 1) == 0) && ebb_close_range(kept + 1, .max) == 0 { return }
  } else if ebb_close_range(3, .max) == 0 {
    return
  }
  // A kernel before 5.9, or a seccomp profile that does not know close_range(2).
  let open = (try? readNumbers(in: "/proc/self/fd")) ?? Array(3..<1024)
  for descriptor in open where descriptor > 2 && descriptor != kept { close(descriptor) }
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
/// closed. Closes the old number in any case. Throws EMFILE.
func movedAboveStandardStreams(_ descriptor: Int32) throws(Errno) -> Int32 {
  guard descriptor <= 2 else { return descriptor }
  defer { close(descriptor) }
  return try valueOrErrno { ebb_duplicate_above(descriptor, 3) }
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
      remaining = remaining.dropFirst(
        try valueOrErrno { remaining.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } })
    } catch {
      guard error.code == EAGAIN else { throw error }
      _ = waitUntilWritable(descriptor, within: .longest)
    }
  }
}

/// Writes the whole line if that is possible without blocking. Returns whether it did.
func writeNow(_ line: [UInt8], to descriptor: Int32) -> Bool {
  line.withUnsafeBytes { buffer in buffer.baseAddress.map { ebb_write_now(descriptor, $0, buffer.count) } ?? true }
}

/// Returns the first bytes of a file; open(2), read(2). Throws ENOENT, EACCES, EMFILE, and ESRCH in /proc.
@inline(never)  // saves 3 kB
func readFile(_ path: String, upTo count: Int) throws(Errno) -> [UInt8] {
  let path = path.systemPath
  return try readArray(upTo: count) { Int(ebb_read_file(path, $0, Int32(count))) }
}
