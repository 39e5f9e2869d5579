import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// A supervisor's status page, opened from outside. Stays readable when the supervisor has ended.
package final class StatusPageReader {
  /// The supervisor's, in this process's pid namespace.
  package let pid: Int32
  private let page: Int32
  /// The user that made the page; -1 where that is unknown.
  let pageOwner: Int
  /// -1 where the kernel has no such descriptors.
  private let process: Int32

  /// The page is the first descriptor that ebb opens when it has closed what it inherited, all but the health
  /// endpoint's. To look at all descriptors of everybody would take a while where a process has thousands.
  private static let possibleNumbers: ClosedRange<Int32> = 3...4

  private init(pid: Int32, page: Int32, process: Int32) {
    self.pid = pid
    self.page = page
    self.process = process
    pageOwner = Int(ebb_owner(page))
  }

  deinit {
    close(page)
    if process >= 0 { close(process) }
  }

  /// Finds the page by its link name in /proc/PID/fd, which the supervisor's user may do, and root.
  package static func open(pid: Int32) throws(StatusPageReaderError) -> StatusPageReader {
    guard procMatchesPIDNamespace else { throw .noProc }
    for number in possibleNumbers {
      do throws(Errno) {
        guard try isPage(pid, number) else { continue }
        // Before the page: should the pid change hands in between, `send` reaches nobody.
        let process = ebb_pidfd_open(pid)
        // Never waits: whoever runs in the container may have given a FIFO the page's name.
        let page = ebb_open_existing(path(pid, number), false)
        if page >= 0 { return StatusPageReader(pid: pid, page: page, process: process) }
        let error = Errno.current
        if process >= 0 { close(process) }
        throw error
      } catch {
        switch error.code {
        case ENOENT, ESRCH: continue
        case EACCES, EPERM: throw .denied(error)
        default: throw .failed(error)
        }
      }
    }
    if access("/proc/\(pid)", F_OK) == 0 { throw .notASupervisor }
    throw .noSuchProcess
  }

  private static func path(_ pid: Int32, _ number: Int32) -> String { "/proc/\(pid)/fd/\(number)" }

  private static func isPage(_ pid: Int32, _ number: Int32) throws(Errno) -> Bool {
    try readLink(path(pid, number)).elementsEqual("/memfd:\(StatusPage.name) (deleted)".utf8)
  }

  /// The newest state. Looks again where it caught the supervisor in the middle of an update.
  package func read() throws(StatusPageError) -> Status {
    for _ in 0..<100 {
      do throws(StatusPageError) {
        return try StatusPage.decode(bytes())
      } catch {
        guard case .halfWritten = error else { throw error }
        poll(nil, 0, 1)
      }
    }
    throw .halfWritten
  }

  private func bytes() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: StatusPage.size) { buffer, count in
      count = max(0, pread(page, buffer.baseAddress, buffer.count, 0))
    }
  }

  /// Asks for a stop without delay and drain; the supervisor looks when the next stop signal comes.
  package func requestStopNow() throws(Errno) {
    try write(StatusPage.stopNowRequest)
  }

  /// Takes that back.
  package func withdrawRequest() {
    try? write([UInt8](repeating: 0, count: StatusPage.stopNowRequest.count))
  }

  private func write(_ request: [UInt8]) throws(Errno) {
    let own = getpid()  // the same open page, but to write; its supervisor may be gone meanwhile
    let descriptor = try valueOrErrno { ebb_open_existing(StatusPageReader.path(own, page), true) }
    defer { close(descriptor) }
    let offset = off_t(StatusPage.requestOffset)
    try valueOrErrno { request.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) } }
  }

  /// Sends the supervisor a signal, and no other process that has got its pid meanwhile. Throws ESRCH, EPERM.
  package func send(_ signal: Signal) throws(Errno) {
    do throws(Errno) {
      guard process >= 0 else { throw Errno(code: ENOSYS) }
      try valueOrErrno { ebb_pidfd_signal(process, signal.number) }
    } catch {
      guard error.code != ESRCH else { throw error }
      try sendSignal(signal, to: .process(pid))
    }
  }

  /// Waits for the supervisor's end, at most so long. Returns whether it has come.
  package func hasEnded(within milliseconds: Int32) -> Bool {
    guard process >= 0 else {
      poll(nil, 0, milliseconds)
      // As a descriptor says it: one that its parent has not reaped has ended too.
      if let stat = try? readFile("/proc/\(pid)/stat", upTo: 1024), case .exited = threadGroupState(stat: stat) {
        return true
      }
      return kill(pid, 0) == -1 && Errno.current.code == ESRCH
    }
    var entry = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
  }

  /// Whether the supervisor is in this process's container: one container, one mount namespace.
  package var isInOwnContainer: Bool {
    guard let own = try? readLink("/proc/self/ns/mnt") else { return false }
    return (try? readLink("/proc/\(pid)/ns/mnt")) == own
  }
}

/// Why there is no status page to read.
package enum StatusPageReaderError: Error {
  /// /proc is not mounted, or is another pid namespace's, whose numbers mean other processes.
  case noProc
  case noSuchProcess
  case notASupervisor
  /// This user may not look.
  case denied(Errno)
  case failed(Errno)
}

extension StatusPageReader {
  /// Whether the page was made by the process that has it, speaks of it, and of a child of it. One that cannot be read fits:
  /// another version's, or caught in the middle of an update.
  var fits: Bool {
    guard let process = (try? readFile("/proc/\(pid)/status", upTo: 4096)).map({ ProcPIDStatus($0) }),
      process.effectiveUserID == pageOwner
    else { return false }
    guard let status = try? read() else { return true }
    guard process.ownPid ?? pid == status.info.pid else { return false }
    guard let command = status.snapshot.commandPid else { return true }
    return isParent(of: command)
  }

  /// `command` is a pid of the supervisor's own pid namespace.
  private func isParent(of command: Int32) -> Bool {
    guard let children = try? readChildren(of: pid) else { return true }  // a kernel without such lists
    return children.contains { child in
      // One of another user may be hidden.
      guard let status = try? readFile("/proc/\(child)/status", upTo: 4096) else { return true }
      return ProcPIDStatus(status).ownPid ?? child == command
    }
  }

  var isTrusted: Bool { pageOwner == 0 || pageOwner == Int(geteuid()) }
}

private func readLink(_ path: String) throws(Errno) -> [UInt8] {
  var failure: Errno?
  let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
    count = 0
    guard let base = buffer.baseAddress else { return }
    do throws(Errno) {
      count = Int(try valueOrErrno { ebb_read_link(path, base, Int32(buffer.count)) })
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}
