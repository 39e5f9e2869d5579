import CPlatform
import Supervision

/// The TCP sockets of this network namespace, from the best source that there is.
final class SocketTable {
  /// What that is; goes down only.
  private(set) var source: ConnectionSource

  private var request = DiagRequest(listenersOnly: true, ports: Ordered(), wantsInfo: false)
  /// A source has answered: from now on an error is a failure, no reason to look for a poorer source.
  private var isSettled = false
  private var isUnderWay = false
  private var failures = 0
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: SocketTable.bufferSize, alignment: 8)
  private var socket: Int32 = -1
  private var sequence: UInt32 = 0
  private var files: [LineFile] = []
  private var fileIndex = 0

  /// The kernel fills no more at a time.
  private static let bufferSize = 32 * 1024
  private static let repetitions = 3

  /// What a step has come to.
  enum Progress {
    /// There is more.
    case more
    /// It begins anew: the rows until here count no longer.
    case again
    case done
    case failed(CountFailure)
  }

  init(source: ConnectionSource) { self.source = source }

  deinit {
    abandon()
    buffer.deallocate()
  }

  /// Asks for listening sockets, or for all of some ports (nil: of any); what was asked before is given up.
  func begin(listenersOnly: Bool, ports: Ordered<UInt16>?) {
    if isUnderWay { abandon() }
    failures = 0
    request = DiagRequest(listenersOnly: listenersOnly, ports: ports, wantsInfo: false)
  }

  /// The next rows.
  func step(_ body: (SocketRow) -> Void) -> Progress {
    do throws(Errno) {
      let hasMore =
        switch source {
        case .diagWithInfo, .diag: try readDiag(body)
        case .proc, .procStates: try readFiles(body)
        case .none: false
        }
      if hasMore { return .more }
      isUnderWay = false
      isSettled = true
      return .done
    } catch {
      return after(error)
    }
  }

  /// What becomes of an answer that could not be had.
  func after(_ error: Errno) -> Progress {
    let isDiag = source == .diagWithInfo || source == .diag
    abandon()
    switch error.code {
    case EINTR, ENOBUFS, EAGAIN:
      failures += 1
      if failures <= SocketTable.repetitions { return .again }
    case EMFILE, ENFILE, ENOMEM: break
    default:
      guard !isSettled else { break }
      source = isDiag ? .proc : .none
      return .again
    }
    return .failed(CountFailure(reason: (isDiag ? "sock_diag: " : "/proc/net/tcp: ") + error.text))
  }

  /// The rest of a half-read answer would stand before the next one.
  private func abandon() {
    if socket >= 0 { close(socket) }
    socket = -1
    files = []
    isUnderWay = false
  }

  // MARK: sock_diag(7)

  private func readDiag(_ body: (SocketRow) -> Void) throws(Errno) -> Bool {
    if !isUnderWay { try sendRequest() }
    let count = Int(ebb_receive_from_kernel(socket, buffer, Int32(SocketTable.bufferSize)))
    guard count >= 0 else { throw .current }
    guard count <= SocketTable.bufferSize else { throw Errno(code: EINTR) }
    return try take(UnsafeRawBufferPointer(start: buffer, count: count), body)
  }

  /// One datagram of an answer. Returns whether there is more; EINTR stands for one that does not show one moment.
  func take(_ bytes: UnsafeRawBufferPointer, _ body: (SocketRow) -> Void) throws(Errno) -> Bool {
    var messages = DiagMessages(bytes, sequence: sequence)
    while let message = messages.next() {
      switch message {
      case .socket(let row): pass(row, body)
      case .done: return false
      case .failed(let code): throw Errno(code: code)
      case .interrupted: throw Errno(code: EINTR)
      }
    }
    return true
  }

  private func countSequence() {
    sequence &+= 1
    if sequence == 0 { sequence = 1 }  // 0 is what comes unasked
  }

  private func sendRequest() throws(Errno) {
    if socket < 0 { socket = try openDiagSocket() }
    countSequence()
    request.wantsInfo = source == .diagWithInfo
    isUnderWay = true
    guard try send(request.message(sequence: sequence)[...], over: socket) > 0 else { throw Errno(code: EAGAIN) }
  }

  /// Returns the other end of a connection, or a listening socket on its port; nil where this network namespace has
  /// neither. Must not be called while the table is being read.
  func otherEnd(of row: SocketRow) throws(Errno) -> SocketRow? {
    countSequence()
    guard let request = row.otherEndRequest(sequence: sequence) else { return nil }
    if socket < 0 { socket = try openDiagSocket() }
    guard try send(request[...], over: socket) > 0 else { throw Errno(code: EAGAIN) }
    // The kernel has answered by now.
    let count = Int(ebb_receive_from_kernel(socket, buffer, Int32(SocketTable.bufferSize)))
    guard count >= 0 else { throw .current }
    guard count <= SocketTable.bufferSize else { throw Errno(code: EINTR) }
    var messages = DiagMessages(UnsafeRawBufferPointer(start: buffer, count: count), sequence: sequence)
    switch messages.next() {
    case .socket(let found): return found
    case .failed(ENOENT): return nil
    case .failed(let code): throw Errno(code: code)
    default: throw Errno(code: EINTR)
    }
  }

  // MARK: /proc/net

  private func readFiles(_ body: (SocketRow) -> Void) throws(Errno) -> Bool {
    if !isUnderWay { try openFiles() }
    if try files[fileIndex].read({ line in SocketRow(line: line).map { pass($0, body) } }) { return true }
    fileIndex += 1
    return fileIndex < files.count
  }

  private func openFiles() throws(Errno) {
    if files.isEmpty {
      let version4 = try LineFile("/proc/net/tcp")
      do throws(Errno) {
        files = [version4, try LineFile("/proc/net/tcp6")]
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

  /// A row of any source, if it was asked for; what it lacks tells what the source is.
  func pass(_ row: SocketRow, _ body: (SocketRow) -> Void) {
    guard request.includes(row) else { return }
    if let connection = row.connection, connection.state != .listen {
      if row.receiveQueue == nil { source = .procStates }
      if row.ages == nil, source == .diagWithInfo { source = .diag }
    }
    body(row)
  }
}
