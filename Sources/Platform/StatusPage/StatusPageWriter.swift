import CPlatform
import Supervision

/// The supervisor's side of the status page: a memfd, readable by all who may read /proc/PID/fd, without a socket or a
/// file. Written through a mapping, because a system call per forwarded signal would be noticeable. The size is sealed,
/// so that a reader cannot harm the supervisor by truncating the page.
package final class StatusPageWriter {
  private let descriptor: Int32
  private let page: UnsafeMutableRawBufferPointer
  private var sequence: UInt64 = 0
  private var written: StatusSnapshot

  /// Creates the page with memfd_create(2). Must run after the command's start, so that the command does not inherit
  /// it. Throws ENOSYS, EPERM (a seccomp profile), EMFILE, ENOMEM, EBADF if a standard stream is missing.
  package init(_ status: Status) throws(Errno) {
    descriptor = try valueOrErrno { ebb_memfd(StatusPage.name) }
    written = status.snapshot
    do throws(Errno) {
      // A number below 3 is that of a missing standard stream, whose output must not go into the page.
      guard descriptor > 2 else { throw Errno(code: EBADF) }
      page = try StatusPageWriter.fillAndMap(descriptor, StatusPage.page(status))
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit {
    munmap(page.baseAddress, page.count)
    close(descriptor)
  }

  /// Writes the whole page in one call, so that a reader finds all of it or nothing. Throws ENOSPC, EPERM, ENOMEM.
  private static func fillAndMap(
    _ descriptor: Int32, _ bytes: [UInt8]
  ) throws(Errno) -> UnsafeMutableRawBufferPointer {
    let count = try valueOrErrno { bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
    guard count == bytes.count else { throw Errno(code: ENOSPC) }
    try valueOrErrno { ebb_seal_size(descriptor) }
    guard let start = ebb_map_shared(descriptor, count) else { throw .current }
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  package func update(_ snapshot: StatusSnapshot) {
    guard snapshot != written else { return }
    written = snapshot
    sequence += 1
    StatusPage.write(snapshot, sequence: sequence, to: page)
  }

  package func update(received: Int, forwarded: Int) {
    StatusPage.write(count: received, 0, to: page)
    StatusPage.write(count: forwarded, 1, to: page)
  }

  package func update(reaped: Int) { StatusPage.write(count: reaped, 2, to: page) }

  /// Whether `ebb stop --now` has left its request.
  package var isStopNowRequested: Bool {
    page[StatusPage.requestOffset...].starts(with: StatusPage.stopNowRequest)
  }
}
