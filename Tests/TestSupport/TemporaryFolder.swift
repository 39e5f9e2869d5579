import Glibc
import Synchronization

/// A new folder that every user may read. It is removed with this object.
package final class TemporaryFolder: Sendable {
  private static let count = Atomic<Int>(0)
  package let path: String

  /// - Throws: A `Failure` if it cannot be made.
  package init() throws(Failure) {
    let number = TemporaryFolder.count.add(1, ordering: .relaxed).newValue
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    path = "\(parent)/ebb-test-\(getpid())-\(number)"
    try makeFolder(path)
    chmod(path, 0o755)  // independent of the umask
  }

  deinit { removeFolder(path) }
}

/// Makes a folder that does not exist yet.
///
/// - Throws: A `Failure` if it cannot be made.
package func makeFolder(_ path: String) throws(Failure) {
  guard mkdir(path, 0o755) == 0 else { throw Failure("cannot create \(path): \(text(errno))") }
}

/// Removes a folder with its contents. A symbolic link is removed, its target is not.
package func removeFolder(_ path: String) {
  for name in names(in: path, hidden: true) {
    let inner = path + "/" + name
    if unlink(inner) != 0 { removeFolder(inner) }
  }
  rmdir(path)
}
