import CPlatform
import Primitives

/// The call that failed, and on what.
package struct InstallFailure: Error {
  /// `read`, `create`, `write`, …
  package let call: String
  /// The file or folder.
  package let path: String
  /// Why.
  package let errno: Errno
}

/// Copies the running executable to a file with mode 0755, as a whole or not at all: under another name in the same
/// folder, fsync(2), rename(2), and the folder's fsync. A file of that name is replaced, also one that is being executed.
package func copyThisProgram(to file: String) throws(InstallFailure) {
  let folder = file.folder
  // A container that is started again has the same process id: what an earlier one left behind goes first.
  let temporary = "\(folder)/.ebb-install-\(getpid())"
  unlink(temporary.systemPath)
  do throws(InstallFailure) {
    try write(to: temporary)
    try attempt("rename to", file) { rename(temporary.systemPath, file.systemPath) }
  } catch {
    unlink(temporary.systemPath)
    throw error
  }
  // The name is there, and lasts where the file system can promise it.
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
  // The mode at creation lacks what the umask takes away.
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
  // Some file systems say only here that there was no room.
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

/// Whether there is a folder of this name, or a symbolic link to one; stat(2).
package func isFolder(_ path: String) -> Bool { ebb_file_type(path.systemPath) == UInt32(S_IFDIR) }

/// Whether there is something else than a file or a folder of this name: a device, a pipe, a socket; stat(2).
package func isSpecialFile(_ path: String) -> Bool {
  ![0, UInt32(S_IFREG), UInt32(S_IFDIR)].contains(ebb_file_type(path.systemPath))
}

extension String {
  /// The path without its last part; `/` for a file there.
  fileprivate var folder: String {
    let bytes = systemBytes
    let end = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
    return end == 0 ? "/." : String(systemBytes: bytes[..<end])
  }
}
