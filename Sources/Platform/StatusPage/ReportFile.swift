import CPlatform
import Primitives

/// The file for the final report of a supervisor that this process starts: in memory, so it needs no writable place.
/// The supervisor opens it by its path in /proc, because it closes inherited descriptors.
package final class ReportFile {
  private let descriptor: Int32

  /// memfd_create(2). Throws ENOSYS, EPERM (a seccomp profile), EMFILE.
  package init() throws(Errno) { descriptor = try valueOrErrno { ebb_memfd("ebb-report") } }

  deinit { close(descriptor) }

  /// The path for `--termination-log`.
  package var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  package func read() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
  }
}
