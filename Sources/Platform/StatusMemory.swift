import CPlatform
import Supervision

/// The supervisor's end of the status page: a memfd that whoever may look into /proc/PID/fd can read, without a socket,
/// a file or a place to put one. Written by pwrite(2) and not through a mapping, so that nobody who truncates it can
/// hurt the supervisor.
public final class StatusMemory {
  private let descriptor: Int32
  private var sequence: UInt64 = 0
  private var written: StatusSnapshot

  /// memfd_create(2). After the command's start: the command shall not inherit it. Throws ENOSYS, EPERM (a seccomp
  /// profile), EMFILE, ….
  public init(_ status: Status) throws(Errno) {
    descriptor = try valueOrErrno { ebb_memfd(StatusPage.name) }
    written = status.now
    // A number below 3 means that a standard stream is missing; what goes there must not land in the page.
    guard descriptor > 2, writeAt(0, StatusPage.page(status)) else {
      close(descriptor)
      throw Errno(code: EBADF)
    }
  }

  deinit { close(descriptor) }

  /// Writes what has changed, if anything has.
  public func update(_ snapshot: StatusSnapshot) {
    guard snapshot != written else { return }
    written = snapshot
    sequence += 1
    _ = writeAt(StatusPage.slotOffset(sequence: sequence), StatusPage.slot(snapshot, sequence: sequence))
  }

  /// Whether `ebb stop --now` has been here.
  public var isStopNowRequested: Bool {
    var request = [UInt8](repeating: 0, count: StatusPage.stopNowRequest.count)
    let count = request.withUnsafeMutableBytes { buffer in
      pread(descriptor, buffer.baseAddress, buffer.count, off_t(StatusPage.requestOffset))
    }
    return count == request.count && request == StatusPage.stopNowRequest
  }

  private func writeAt(_ offset: Int, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) } == bytes.count
  }
}
