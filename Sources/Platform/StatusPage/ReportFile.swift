import CPlatform
import Primitives

/// Where a supervisor that this process starts leaves its final report: a file in memory, which needs no place to write
/// to and is gone with this process. The supervisor opens it by its path in /proc, since it closes what it inherits.
package final class ReportFile {
  private let descriptor: Int32

  /// memfd_create(2). Throws ENOSYS, EPERM (a seccomp profile), EMFILE, ….
  package init() throws(Errno) { descriptor = try valueOrErrno { ebb_memfd("ebb-report") } }

  deinit { close(descriptor) }

  /// For `--termination-log`.
  package var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  /// What is there by now.
  package func read() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
  }
}
