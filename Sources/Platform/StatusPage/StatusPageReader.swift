import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// A supervisor's status page, opened from outside. It stays readable after the supervisor has ended.
package final class StatusPageReader {
  /// The supervisor, in this process's PID namespace.
  package let pid: Int32
  private let page: Int32
  /// The user who created the page; -1 if unknown.
  let pageOwner: Int
  /// A pidfd; -1 if the kernel has none.
  private let process: Int32

  /// The page is the first descriptor that ebb opens after closing the inherited ones, except the health endpoint's.
  /// Checking all descriptors of all processes would take long, because some have thousands.
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

  /// Finds the page by its link name in /proc/PID/fd, as root or the supervisor's user. Throws if there is no page.
  package static func open(pid: Int32) throws(StatusPageReaderError) -> StatusPageReader {
    guard procMatchesPIDNamespace else { throw .noProc }
    for number in possibleNumbers {
      do throws(Errno) {
        guard try isPage(pid, number) else { continue }
        // Open the pidfd before the page: if the pid is reused in between, `send` fails.
        let process = ebb_pidfd_open(pid)
        // Does not block, even if a process in the container gave a FIFO the page's name.
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

  /// Returns the newest state. Retries if the supervisor is updating the page. Throws why the page cannot be decoded.
  package func read() throws(StatusPageError) -> Status {
    for _ in 0..<100 {
      do throws(StatusPageError) {
        return try StatusPage.decode(bytes())
      } catch {
        guard case .halfWritten = error else { throw error }
        sleep(for: .milliseconds(1))
      }
    }
    throw .halfWritten
  }

  private func bytes() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: StatusPage.size) { buffer, count in
      count = max(0, pread(page, buffer.baseAddress, buffer.count, 0))
    }
  }

  /// Requests a stop without delay and drain, checked at the next stop signal. Throws as open(2) and pwrite(2).
  package func requestStopNow() throws(Errno) {
    try write(StatusPage.stopNowRequest)
  }

  package func withdrawRequest() {
    try? write([UInt8](repeating: 0, count: StatusPage.stopNowRequest.count))
  }

  private func write(_ request: [UInt8]) throws(Errno) {
    let own = getpid()  // the same open page, but writable; its supervisor may have ended
    let descriptor = try valueOrErrno { ebb_open_existing(StatusPageReader.path(own, page), true) }
    defer { close(descriptor) }
    let offset = off_t(StatusPage.requestOffset)
    try valueOrErrno { request.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) } }
  }

  /// Sends the supervisor a signal, but not a later process with the same pid. Throws ESRCH, EPERM.
  package func send(_ signal: Signal) throws(Errno) {
    do throws(Errno) {
      guard process >= 0 else { throw Errno(code: ENOSYS) }
      try valueOrErrno { ebb_pidfd_signal(process, signal.number) }
    } catch {
      guard error.code != ESRCH else { throw error }
      try sendSignal(signal, to: .process(pid))
    }
  }

  /// Waits for the end of the supervisor. Returns false if `limit` comes first.
  package func hasEnded(within limit: TimeAmount) -> Bool {
    guard process < 0 else { return waitUntilReadable(process, within: limit) }
    sleep(for: limit)
    // Like a pidfd: a process that its parent has not reaped has ended too.
    if let stat = try? readStat(of: pid), case .exited = ThreadGroupState(stat: stat) { return true }
    return kill(pid, 0) == -1 && Errno.current.code == ESRCH
  }

  /// Whether the supervisor is in this process's container, that is, in the same mount namespace.
  package var isInOwnContainer: Bool {
    guard let own = try? readLink("/proc/self/ns/mnt") else { return false }
    return (try? readLink("/proc/\(pid)/ns/mnt")) == own
  }
}

/// Why there is no status page to read.
package enum StatusPageReaderError: Error {
  /// /proc is not mounted, or belongs to another PID namespace, whose numbers mean other processes.
  case noProc
  case noSuchProcess
  case notASupervisor
  /// This user may not read the process's descriptors.
  case denied(Errno)
  case failed(Errno)
}

extension StatusPageReader {
  /// Whether the page was created by the process that has it and describes that process and a child of it. An
  /// unreadable page fits: it may be of another version, or in the middle of an update.
  var fits: Bool {
    guard let process = (try? readFile("/proc/\(pid)/status", upTo: 4096)).map({ ProcPIDStatus($0) }),
      process.effectiveUserID == pageOwner
    else { return false }
    guard let status = try? read() else { return true }
    guard process.ownPid ?? pid == status.info.pid else { return false }
    guard let command = status.snapshot.commandPid else { return true }
    return isParent(of: command)
  }

  /// `command`: a pid in the supervisor's PID namespace.
  private func isParent(of command: Int32) -> Bool {
    guard let children = try? readChildren(of: pid) else { return true }  // a kernel that does not list children
    return children.contains { child in
      // A process of another user may be hidden.
      guard let status = try? readFile("/proc/\(child)/status", upTo: 4096) else { return true }
      return ProcPIDStatus(status).ownPid ?? child == command
    }
  }

  var isTrusted: Bool { pageOwner == 0 || pageOwner == Int(geteuid()) }
}

private func readLink(_ path: String) throws(Errno) -> [UInt8] {
  try readArray(upTo: 64) { Int(ebb_read_link(path, $0, 64)) }
}
