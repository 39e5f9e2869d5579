import Glibc
import TestSupport

/// Makes the folder of the experiment, readable for all users. Errors: it cannot be made.
func makeFolder() throws(Failure) -> String {
  let folder = "/tmp/ebb-rolling-update-\(getpid())"
  try makeFolder(folder)
  return folder
}

/// Writes a file, and replaces one of this name. Errors: it cannot be created.
func writeFile(_ path: String, _ content: String) throws(Failure) {
  let descriptor = try createFile(path)
  writeAll(content, to: descriptor)
  close(descriptor)
}

/// Opens an empty file to write to. Errors: it cannot be created.
func createFile(_ path: String) throws(Failure) -> Int32 {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw Failure("cannot create \(path): \(text(errno))") }
  return descriptor
}
