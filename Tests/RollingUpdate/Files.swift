import Glibc
import TestSupport

/// A new folder for all that the parts need, which everybody may read.
func makeFolder() throws(Failure) -> String {
  let folder = "/tmp/ebb-rolling-update-\(getpid())"
  try makeFolder(folder)
  return folder
}

/// A file of this content, new or written over.
func writeFile(_ path: String, _ content: String) throws(Failure) {
  let descriptor = try createFile(path)
  writeAll(content, to: descriptor)
  close(descriptor)
}

/// A file to write to, empty.
func createFile(_ path: String) throws(Failure) -> Int32 {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw Failure("cannot create \(path): \(text(errno))") }
  return descriptor
}
