import CPlatform
import Primitives

/// The call that failed, and its argument.
package struct InstallFailure: Error {
  /// `read`, `create`, `write`, …
  package let call: String
  package let path: String
  package let errno: Errno
}

/// Copies the running executable to a file with mode 0755, completely or not at all: through a temporary file in the
/// same folder, fsync(2), rename(2). Replaces an existing file, also a running one. Throws the call that failed.
package func copyThisProgram(to file: String) throws(InstallFailure) {
  let folder = file.folder
  // A restarted container has the same process id, so remove what an earlier run left behind.
  let temporary = "\(folder)/.ebb-install-\(getpid())"
  unlink(temporary.systemPath)
  do throws(InstallFailure) {
    try write(to: temporary)
    try attempt("rename to", file) { rename(temporary.systemPath, file.systemPath) }
  } catch {
    unlink(temporary.systemPath)
    throw error
  }
  // The file has its name now. Sync it, if the file system can.
  if let folder = try? valueOrErrno({ ebb_open_existing(folder.systemPath, false) }) {
    fsync(folder)
    close(folder)
  }
}

private func write(to file: String) throws(InstallFailure) {
  let program = "/proc/self/exe"
  let source = try attempt("read", program) { ebb_open_existing(program.systemPath, false) }
  defer { close(source) }
  let copy = try attempt("create", file) { ebb_open_new(file.systemPath) }
  defer { close(copy) }
  // The umask removes bits from the mode at creation.
  try attempt("change the mode of", file) { fchmod(copy, 0o755) }
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = try attempt("read", program) {
      buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
    }
    if count == 0 { break }
    do throws(Errno) {
      try writeAll(Array(buffer[..<count]), to: copy)
    } catch {
      throw InstallFailure(call: "write", path: file, errno: error)
    }
  }
  // Some file systems report a full disk only here.
  try attempt("write", file) { fsync(copy) }
}

@discardableResult
private func attempt<Value: SignedInteger>(
  _ call: String, _ path: String, _ body: () -> Value
) throws(InstallFailure) -> Value {
  do throws(Errno) {
    return try valueOrErrno(body)
  } catch {
    throw InstallFailure(call: call, path: path, errno: error)
  }
}

/// Returns whether a folder has this name, or a symbolic link to one; stat(2).
package func isFolder(_ path: String) -> Bool { ebb_file_type(path.systemPath) == UInt32(S_IFDIR) }

/// Returns whether this is a device, a pipe, a socket, or another file that is neither regular nor a folder; stat(2).
package func isSpecialFile(_ path: String) -> Bool {
  ![0, UInt32(S_IFREG), UInt32(S_IFDIR)].contains(ebb_file_type(path.systemPath))
}

extension String {
  /// The path without its last component; `/.` for a file in the root.
  fileprivate var folder: String {
    let bytes = systemBytes
    let end = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
    return end == 0 ? "/." : String(systemBytes: bytes[..<end])
  }
}
