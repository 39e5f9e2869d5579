import CPlatform
import Platform
import Primitives
import Supervision

/// The health endpoint: one request per connection, without blocking. Slow, silent, oversized or excess clients are
/// disconnected, so signals and deadlines on the same queue are delayed by a few system calls at most.
final class HealthServer {
  private let listener: Int32
  private let queue: dispatch_queue_t
  private var content: (HealthPath) -> HealthResponse = { _ in .liveness }
  private let maxConnections: Int
  private let accepting: DispatchSource
  private(set) var acceptedCount = 0
  private var isPaused = false
  private let timer: DispatchSource
  /// The open connections, oldest first, and so in the order of their deadlines.
  private var connections: [Connection] = []

  private final class Connection {
    let socket: Int32
    let deadline: Instant
    var head: [UInt8] = []
    /// The part of the response that has not been sent; `nil` while the request is incomplete.
    var remaining: ArraySlice<UInt8>?
    /// Bytes still to be read and discarded after a refused request; `nil` before its response has been sent.
    var discards: Int?
    var isRefused = false
    var source: DispatchSource?
    var waitsForRoom: Bool { remaining?.isEmpty == false }
    init(_ socket: Int32, deadline: Instant) {
      self.socket = socket
      self.deadline = deadline
    }
  }

  /// From accepting a connection to the end of its response.
  private static let connectionTimeout = TimeAmount.seconds(2)
  /// Connections accepted before signals and deadlines are checked.
  private static let acceptBatchSize = 16
  /// Of a refused request, in bytes.
  private static let maxDiscarded = 64 * 1024
  /// Before the next try if there is no free descriptor.
  private static let acceptRetryDelay = TimeAmount.milliseconds(100)

  /// Returns a listening socket, close-on-exec. Throws as `startListening`.
  static func listen(on address: HealthAddress) throws(Errno) -> Int32 {
    var failure = Errno(code: EADDRNOTAVAIL)
    for candidate in address.candidates {
      do throws(Errno) {
        return try startListening(on: candidate, backlog: 128)
      } catch {
        failure = error
        // In use or forbidden, and not because of a missing IPv6.
        if error.code == EADDRINUSE || error.code == EACCES { break }
      }
    }
    throw failure
  }

  /// Serves nothing before `start`.
  init(_ listener: Int32, on queue: dispatch_queue_t) {
    self.listener = listener
    self.queue = queue
    // Leaves some descriptors for reading /proc when processes must be killed.
    maxConnections = max(1, min(64, descriptorLimit() - 24))
    timer = DispatchSource(timerOn: queue)
    accepting = DispatchSource(readable: listener, on: queue)
  }

  /// Serves requests from now on; `content` makes the responses.
  func start(_ content: @escaping (HealthPath) -> HealthResponse) {
    self.content = content
    timer.start { [self] in timerFired() }
    accepting.start { [self] in acceptSome() }
  }
}

// MARK: - Connections

extension HealthServer {
  /// Accepts a batch, so that many connections cannot delay a signal. The source fires again while there are more.
  private func acceptSome() {
    for _ in 0..<HealthServer.acceptBatchSize {
      do throws(Errno) {
        guard let socket = try acceptConnection(from: listener) else { return }
        acceptedCount += 1
        // The oldest one had the most time. Refusing new ones would let 64 silent clients keep out the kubelet.
        if connections.count >= maxConnections { close(connections[0]) }
        begin(Connection(socket, deadline: monotonicTime() + HealthServer.connectionTimeout))
      } catch {
        return handleDescriptorExhaustion()
      }
    }
  }

  /// The connection that could not be accepted remains, and the source would fire for it endlessly.
  private func handleDescriptorExhaustion() {
    if let oldest = connections.first { return close(oldest) }
    isPaused = true
    accepting.suspend()
    setTimer()
  }

  /// Most requests arrive with the connection. They need no source, which would double the work.
  private func begin(_ connection: Connection) {
    if advance(connection) {
      CPlatform.close(connection.socket)
      return
    }
    connections.append(connection)
    watch(connection)
    if connections.count == 1 { setTimer() }
  }

  private func watch(_ connection: Connection) {
    let forRoom = connection.waitsForRoom
    connection.source =
      forRoom
      ? DispatchSource(writable: connection.socket, on: queue) : DispatchSource(readable: connection.socket, on: queue)
    connection.source?.start { [self] in
      if advance(connection) { return close(connection) }
      guard forRoom != connection.waitsForRoom else { return }
      connection.source?.cancel {}
      watch(connection)
    }
  }

  private func close(_ connection: Connection) {
    connections.removeAll { $0 === connection }
    if connections.isEmpty { setTimer() }
    let socket = connection.socket
    connection.source?.cancel { CPlatform.close(socket) }
    connection.source = nil
  }

  private func timerFired() {
    let now = monotonicTime()
    while let oldest = connections.first, oldest.deadline <= now { close(oldest) }
    if isPaused {
      isPaused = false
      accepting.resume()
    }
    setTimer()
  }

  /// Set only while connections are open, so that an idle supervisor sleeps.
  private func setTimer() {
    let next = connections.first.map { max(.zero, $0.deadline - monotonicTime()) } ?? .longest
    timer.setTimer(in: isPaused ? min(next, HealthServer.acceptRetryDelay) : next)
  }
}

// MARK: - Requests and answers

extension HealthServer {
  /// Reads or writes what is possible now. Returns whether the connection is finished.
  private func advance(_ connection: Connection) -> Bool {
    do throws(Errno) {
      if connection.discards != nil { return try discard(connection) }
      return try connection.remaining == nil ? read(connection) : write(connection)
    } catch {
      return true
    }
  }

  private func read(_ connection: Connection) throws(Errno) -> Bool {
    switch try receive(upTo: HealthRequest.limit - connection.head.count, from: connection.socket) {
    case .nothing: return false
    case .end: return true
    case .bytes(let bytes): connection.head += bytes
    }
    let request = HealthRequest(connection.head)
    if case .incomplete = request { return false }
    if case .refused = request { connection.isRefused = true }
    connection.remaining = request.response(content)[...]
    return try write(connection)
  }

  private func write(_ connection: Connection) throws(Errno) -> Bool {
    guard let remaining = connection.remaining else { return false }
    connection.remaining = remaining.dropFirst(try sendBytes(remaining, over: connection.socket))
    guard !connection.waitsForRoom else { return false }
    guard connection.isRefused else { return true }
    // Closing a socket with unread bytes resets the connection, and the client would lose the response.
    shutdown(connection.socket, Int32(SHUT_WR))
    connection.discards = HealthServer.maxDiscarded
    return try discard(connection)
  }

  /// Discards input until the client closes, or the time or the bytes run out. Throws ECONNRESET.
  private func discard(_ connection: Connection) throws(Errno) -> Bool {
    while let left = connection.discards, left > 0 {
      switch try receive(upTo: min(left, 16 * 1024), from: connection.socket) {
      case .nothing: return false
      case .end: return true
      case .bytes(let bytes): connection.discards = left - bytes.count
      }
    }
    return true
  }
}
