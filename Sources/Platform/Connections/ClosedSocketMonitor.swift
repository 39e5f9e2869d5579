import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Counts closed connections: the kernel sends an event to a sock_diag(7) multicast group for each TCP socket that
/// closes. This covers connections that open and close between two samples.
///
/// The kernel sends the events from a work queue (net/core/sock_diag.c), up to one second late on a busy machine. Each
/// pass therefore opens and closes a marker socket: once its event arrives, all earlier events have arrived too. There
/// is one queue per processor; events queued on a processor other than the marker's may arrive a little later.
final class ClosedSocketMonitor {
  /// Closed connections on the command's ports so far.
  private(set) var count = 0
  /// Whether `count` may lack connections closed since the last pass.
  private(set) var mayHaveMissedEvents: Bool
  /// Age of the last byte received on a connection counted since `endPass`; the smallest one.
  private(set) var sinceReceived: TimeAmount?
  /// The events of all connections closed before this moment have arrived; `nil` before the first marker's event.
  private(set) var completeUntil: Instant?

  private let socket: Int32
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: ClosedSocketMonitor.bufferSize, alignment: 8)
  private let maxMessagesPerPass: Int
  private var taken = 0
  /// Whether the kernel sends no events to this process.
  private let isUnavailable: Bool
  /// The ports that the kernel sends events for; `nil` if for all.
  private var filtered: [UInt16]?
  private var marker: (cookie: UInt64, closedAt: Instant)?
  private let startedAt = monotonicTime()
  /// Until the first marker's event, events may be of connections closed before the start.
  private var isStarting = true

  private static let groups: UInt32 =
    1 << (SKNLGRP_INET_TCP_DESTROY.rawValue - 1) | 1 << (SKNLGRP_INET6_TCP_DESTROY.rawValue - 1)
  /// The kernel grants at most net.core.rmem_max, and allocates only as messages arrive. Bytes.
  static let room: Int32 = 4 << 20
  /// For one message, in bytes.
  private static let bufferSize = 2048
  private static let maxMessagesPerStep = 64

  /// Counts nothing if the multicast group is not available. `room`: receive buffer, in bytes. `maxMessagesPerPass`:
  /// messages read in one pass at most.
  init(room: Int32 = room, maxMessagesPerPass: Int = 4096) {
    self.maxMessagesPerPass = maxMessagesPerPass
    socket = (try? openDiagSocket()) ?? -1
    var room = room
    if socket >= 0 { setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size)) }
    isUnavailable = socket < 0 || ebb_join_netlink_groups(socket, ClosedSocketMonitor.groups) != 0
    mayHaveMissedEvents = isUnavailable
    sendMarker()
  }

  deinit {
    if socket >= 0 { close(socket) }
    buffer.deallocate()
  }

  /// Begins a pass, which reads at most `maxMessagesPerPass` messages.
  func beginPass() {
    taken = 0
  }

  /// Call this when the count has gone into a sample, not for an abandoned pass: the next one reports its connections.
  func endPass() {
    sinceReceived = nil
    // A full buffer is reported once as ENOBUFS, and further events are dropped until it has been read.
    mayHaveMissedEvents = isUnavailable || taken >= maxMessagesPerPass
    // A marker's event could be among the dropped ones, so send the next marker only after that.
    if taken < maxMessagesPerPass { sendMarker() }
  }

  /// Reads some messages. Returns whether there may be more. `internals`: connections that do not count.
  func step(_ ports: SortedSet<UInt16>, _ internals: InternalConnections = InternalConnections()) -> Bool {
    guard socket >= 0 else { return false }
    filter(ports.elements)
    for _ in 0..<ClosedSocketMonitor.maxMessagesPerStep {
      taken += 1
      let length = Int(ebb_receive_from_kernel(socket, buffer, Int32(ClosedSocketMonitor.bufferSize)))
      let error = length < 0 ? Errno.current.code : 0
      if error == EAGAIN { return false }
      guard 0...ClosedSocketMonitor.bufferSize ~= length else {
        mayHaveMissedEvents = true  // ENOBUFS: events were dropped, perhaps the marker's too
        marker = nil
        isStarting = false
        if error == 0 || error == ENOBUFS { continue }
        return false  // the same error would come again
      }
      var messages = SockDiagResponse(UnsafeRawBufferPointer(start: buffer, count: length), sequence: 0)
      while let message = messages.next() {
        if case .socket(let row) = message { add(row, ports, internals) } else { mayHaveMissedEvents = true }
      }
    }
    if taken < maxMessagesPerPass { return true }
    mayHaveMissedEvents = true  // the remaining events are as unknown as dropped ones
    return false
  }

  private func add(_ row: SocketRecord, _ ports: SortedSet<UInt16>, _ internals: InternalConnections) {
    if let marker, row.cookie == marker.cookie {
      completeUntil = marker.closedAt
      self.marker = nil
      isStarting = false
      return
    }
    guard ports.contains(row.localPort), let age = row.sinceReceivedAtEnd, !internals.isInternal(cookie: row.cookie)
    else { return }
    if isStarting, monotonicTime() - age < startedAt { return }  // no byte since the start: closed before it
    count += 1
    sinceReceived = min(age, sinceReceived ?? age)
  }

  /// Sends one marker at a time. Not possible without a free descriptor, nor on kernels before 4.12 (SO_COOKIE).
  private func sendMarker() {
    guard !isUnavailable, marker == nil else { return }
    let closedAt = monotonicTime()
    let socket = ebb_tcp_socket(AF_INET)
    defer { if socket >= 0 { close(socket) } }
    var cookie: UInt64 = 0
    var length = socklen_t(MemoryLayout<UInt64>.size)
    if socket >= 0, getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 {
      marker = (cookie, closedAt)
    } else {
      mayHaveMissedEvents = true
      isStarting = false
    }
  }

  /// Lets only events of the command's ports into the buffer, because a busy neighbour in the network namespace could
  /// fill it. Attached again when a port is found. Without a filter, or while no port is known, all events arrive.
  private func filter(_ ports: [UInt16]) {
    guard !ports.isEmpty, ports != filtered else { return }
    filtered = ports
    attachPortFilter(ports, to: socket)
  }
}
