import CPlatform
import Supervision

/// The supervisor's end of the status page: a memfd that whoever may look into /proc/PID/fd can read, without a socket,
/// a file or a place to put one. Written through a mapping: a system call for each forwarded signal would be felt. Its
/// size is sealed, so that nobody who truncates it can hurt the supervisor.
package final class StatusPageWriter {
  private let descriptor: Int32
  private let page: UnsafeMutableRawBufferPointer
  private var sequence: UInt64 = 0
  private var written: StatusSnapshot

  /// memfd_create(2). After the command's start: the command shall not inherit it. Throws ENOSYS, EPERM (a seccomp
  /// profile), EMFILE, ENOMEM, ….
  package init(_ status: Status) throws(Errno) {
    descriptor = try valueOrErrno { ebb_memfd(StatusPage.name) }
    written = status.snapshot
    do throws(Errno) {
      // A number below 3 means that a standard stream is missing; what goes there must not land in the page.
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

  /// At one stroke: whoever reads before finds nothing, and not half of it.
  private static func fillAndMap(
    _ descriptor: Int32, _ bytes: [UInt8]
  ) throws(Errno) -> UnsafeMutableRawBufferPointer {
    let count = try valueOrErrno { bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
    guard count == bytes.count else { throw Errno(code: ENOSPC) }
    try valueOrErrno { ebb_seal_size(descriptor) }
    guard let start = ebb_map_shared(descriptor, count) else { throw .current }
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  /// Writes what has changed, if anything has.
  package func update(_ snapshot: StatusSnapshot) {
    guard snapshot != written else { return }
    written = snapshot
    sequence += 1
    StatusPage.write(snapshot, sequence: sequence, to: page)
  }

  /// Writes the counts of signals alone.
  package func update(received: Int, forwarded: Int) {
    StatusPage.write(count: received, 0, to: page)
    StatusPage.write(count: forwarded, 1, to: page)
  }

  /// Writes the count of orphans alone.
  package func update(reaped: Int) { StatusPage.write(count: reaped, 2, to: page) }

  /// Whether `ebb stop --now` has been here.
  package var isStopNowRequested: Bool {
    page[StatusPage.requestOffset...].starts(with: StatusPage.stopNowRequest)
  }
}
