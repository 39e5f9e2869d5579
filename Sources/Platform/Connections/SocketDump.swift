import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// The TCP sockets of this network namespace, from the best available source.
final class SocketDump {
  /// The source in use; only ever replaced by a poorer one.
  private(set) var source: ConnectionSource

  private var request = SockDiagRequest(listenersOnly: true, ports: SortedSet(), wantsInfo: false)
  /// Once a source has answered, an error is a failure and no longer a reason to try a poorer source.
  private var hasAnswered = false
  private var isUnderWay = false
  private var failures = 0
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: SocketDump.bufferSize, alignment: 8)
  private var socket: Int32 = -1
  private var sequence: UInt32 = 0
  private var files: [ProcLineReader] = []
  private var fileIndex = 0

  /// The kernel returns at most this much at a time.
  private static let bufferSize = 32 * 1024
  private static let repetitions = 3

  enum Progress {
    case more
    /// The dump begins again; discard the rows so far.
    case again
    case done
    case failed(SamplingFailure)
  }

  init(source: ConnectionSource) { self.source = source }

  deinit {
    abandon()
    buffer.deallocate()
  }

  /// Begins a dump of listening sockets, or of all sockets on some ports (`nil`: any). Abandons the previous dump.
  func begin(listenersOnly: Bool, ports: SortedSet<UInt16>?) {
    if isUnderWay { abandon() }
    failures = 0
    request = SockDiagRequest(listenersOnly: listenersOnly, ports: ports, wantsInfo: false)
  }

  func step(_ body: (SocketRecord) -> Void) -> Progress {
    do throws(Errno) {
      let hasMore =
        switch source {
        case .diagWithInfo, .diag: try readDiag(body)
        case .proc, .procStates: try readFiles(body)
        case .none: false
        }
      if hasMore { return .more }
      isUnderWay = false
      hasAnswered = true
      return .done
    } catch {
      return recover(from: error)
    }
  }

  /// Decides what to do after an error: retry, try a poorer source, or fail.
  func recover(from error: Errno) -> Progress {
    let isDiag = source == .diagWithInfo || source == .diag
    abandon()
    switch error.code {
    case EINTR, ENOBUFS, EAGAIN:
      failures += 1
      if failures <= SocketDump.repetitions { return .again }
    case EMFILE, ENFILE, ENOMEM: break
    default:
      guard !hasAnswered else { break }
      source = isDiag ? .proc : .none
      return .again
    }
    return .failed(SamplingFailure(reason: (isDiag ? "sock_diag: " : "/proc/net/tcp: ") + error.description))
  }

  /// Closes everything, because the rest of a half-read answer would precede the next one.
  private func abandon() {
    if socket >= 0 { close(socket) }
    socket = -1
    files = []
    isUnderWay = false
  }

  // MARK: sock_diag(7)

  private func readDiag(_ body: (SocketRecord) -> Void) throws(Errno) -> Bool {
    if !isUnderWay { try sendRequest() }
    let count = Int(ebb_receive_from_kernel(socket, buffer, Int32(SocketDump.bufferSize)))
    guard count >= 0 else { throw .current }
    guard count <= SocketDump.bufferSize else { throw Errno(code: EINTR) }
    return try parseDatagram(UnsafeRawBufferPointer(start: buffer, count: count), body)
  }

  /// Parses one datagram. Returns whether more follow. Throws the kernel's error, EINTR if the table changed.
  func parseDatagram(_ bytes: UnsafeRawBufferPointer, _ body: (SocketRecord) -> Void) throws(Errno) -> Bool {
    var messages = SockDiagResponse(bytes, sequence: sequence)
    while let message = messages.next() {
      switch message {
      case .socket(let row): deliver(row, body)
      case .done: return false
      case .failed(let code): throw Errno(code: code)
      case .interrupted: throw Errno(code: EINTR)
      }
    }
    return true
  }

  private func countSequence() {
    sequence &+= 1
    if sequence == 0 { sequence = 1 }  // 0 is the number of unsolicited messages
  }

  private func sendRequest() throws(Errno) {
    if socket < 0 { socket = try openDiagSocket() }
    countSequence()
    request.wantsInfo = source == .diagWithInfo
    isUnderWay = true
    guard try sendBytes(request.message(sequence: sequence)[...], over: socket) > 0 else { throw Errno(code: EAGAIN) }
  }

  /// Returns the other end of a connection, or a listening socket on its port; `nil` if this network namespace has
  /// neither. Must not be called during a dump. Throws EMFILE, EAGAIN, or EINTR for an incomplete answer.
  func otherEnd(of row: SocketRecord) throws(Errno) -> SocketRecord? {
    countSequence()
    guard let request = row.otherEndRequest(sequence: sequence) else { return nil }
    if socket < 0 { socket = try openDiagSocket() }
    guard try sendBytes(request[...], over: socket) > 0 else { throw Errno(code: EAGAIN) }
    // The kernel answers before send(2) returns.
    let count = Int(ebb_receive_from_kernel(socket, buffer, Int32(SocketDump.bufferSize)))
    guard count >= 0 else { throw .current }
    guard count <= SocketDump.bufferSize else { throw Errno(code: EINTR) }
    var messages = SockDiagResponse(UnsafeRawBufferPointer(start: buffer, count: count), sequence: sequence)
    switch messages.next() {
    case .socket(let found): return found
    case .failed(ENOENT): return nil
    case .failed(let code): throw Errno(code: code)
    default: throw Errno(code: EINTR)
    }
  }

  // MARK: /proc/net

  private func readFiles(_ body: (SocketRecord) -> Void) throws(Errno) -> Bool {
    if !isUnderWay { try openFiles() }
    if try files[fileIndex].read({ line in SocketRecord(line: line).map { deliver($0, body) } }) { return true }
    fileIndex += 1
    return fileIndex < files.count
  }

  private func openFiles() throws(Errno) {
    if files.isEmpty {
      let version4 = try ProcLineReader("/proc/net/tcp")
      do throws(Errno) {
        files = [version4, try ProcLineReader("/proc/net/tcp6")]
      } catch {
        guard error.code == ENOENT else { throw error }  // a kernel without IPv6
        files = [version4]
      }
    } else {
      for file in files { try file.rewind() }
    }
    fileIndex = 0
    isUnderWay = true
  }

  /// Passes on a row of any source if the request includes it. Fields that the row lacks show a poorer source.
  func deliver(_ row: SocketRecord, _ body: (SocketRecord) -> Void) {
    guard request.includes(row) else { return }
    if let connection = row.connection, connection.state != .listen {
      if row.receiveQueue == nil { source = .procStates }
      if row.tcpInfo == nil, source == .diagWithInfo { source = .diag }
    }
    body(row)
  }
}
