import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Counts the connections that are closed: the kernel tells a multicast group of sock_diag(7) about each TCP socket
/// that ends. For those which open and close between two looks at the table.
///
/// It tells from a work queue (net/core/sock_diag.c), on a full machine as much as a second late. So each pass drops a
/// marker: a socket of its own, closed at once. When that is told, what was closed before it has been told too. The
/// queue is one for each processor; what waits at another one than the marker's may come a little later.
final class ClosedSocketMonitor {
  /// On the command's ports, so far.
  private(set) var count = 0
  /// Some that were closed since the last pass may be missing in the count.
  private(set) var mayHaveMissedEvents: Bool
  /// The youngest inbound byte of those that were counted since `endPass`.
  private(set) var sinceReceived: TimeAmount?
  /// All that was closed until then has been told; nil before the first marker is.
  private(set) var completeUntil: Instant?

  private let socket: Int32
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: ClosedSocketMonitor.bufferSize, alignment: 8)
  private let maxMessagesPerPass: Int
  private var taken = 0
  /// Nothing is ever told.
  private let isUnavailable: Bool
  /// The ports whose closings the kernel is asked for; nil: those of all.
  private var filtered: [UInt16]?
  private var marker: (cookie: UInt64, closedAt: Instant)?
  private let startedAt = monotonicTime()
  /// What is told may have been closed before that.
  private var isStarting = true

  /// SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
  private static let groups: UInt32 = 1 << 0 | 1 << 2
  /// The kernel gives what the system allows (net.core.rmem_max), and takes it only as messages come.
  static let room: Int32 = 4 << 20
  /// For one message.
  private static let bufferSize = 2048
  private static let maxMessagesPerStep = 64
  /// The kernel takes programs of 4096 instructions.
  private static let maxFilteredPorts = 1000

  /// Counts nothing where the group is not to be had. `room`: for messages that nobody has taken yet, in bytes.
  /// `maxMessagesPerPass`: of them.
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

  /// Only so many are taken in one pass.
  func beginPass() {
    taken = 0
  }

  /// What has been counted is in a sample now. Not where a pass is given up: the next one tells of that too.
  func endPass() {
    sinceReceived = nil
    // While there is no room the kernel says so once, and drops what comes until all has been taken.
    mayHaveMissedEvents = isUnavailable || taken >= maxMessagesPerPass
    // Of a marker that it drops until then it would say nothing more.
    if taken < maxMessagesPerPass { sendMarker() }
  }

  /// Takes some messages. Returns whether there may be more. `internals`: connections that do not count.
  func step(_ ports: SortedSet<UInt16>, _ internals: InternalConnections = InternalConnections()) -> Bool {
    guard socket >= 0 else { return false }
    filter(ports.elements)
    for _ in 0..<ClosedSocketMonitor.maxMessagesPerStep {
      taken += 1
      let length = Int(ebb_receive_from_kernel(socket, buffer, Int32(ClosedSocketMonitor.bufferSize)))
      let error = length < 0 ? Errno.current.code : 0
      if error == EAGAIN { return false }
      guard 0...ClosedSocketMonitor.bufferSize ~= length else {
        mayHaveMissedEvents = true  // ENOBUFS: there was no more room, maybe not for the marker either
        marker = nil
        isStarting = false
        if error == 0 || error == ENOBUFS { continue }
        return false  // it would only say that again
      }
      var messages = SockDiagResponse(UnsafeRawBufferPointer(start: buffer, count: length), sequence: 0)
      while let message = messages.next() {
        if case .socket(let row) = message { add(row, ports, internals) } else { mayHaveMissedEvents = true }
      }
    }
    if taken < maxMessagesPerPass { return true }
    mayHaveMissedEvents = true  // what is left there is as unknown as what had no room
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
    if isStarting, monotonicTime() - age < startedAt { return }  // nothing came in since: its end is no news
    count += 1
    sinceReceived = min(age, sinceReceived ?? age)
  }

  /// One at a time. Impossible where no descriptor is left, and on kernels before 4.12.
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

  /// Keeps what is closed on others' ports from taking the room: a neighbour in the network may be busy. Attached anew
  /// where a port is found; without it, or while no port is known, all is told.
  private func filter(_ ports: [UInt16]) {
    guard !ports.isEmpty, ports != filtered else { return }
    filtered = ports
    // Classic BPF, socket(7) SO_ATTACH_FILTER: accepts a message whose idiag_sport is one of these, or 0, the marker's.
    var program = [sock_filter(code: 0x28, jt: 0, jf: 0, k: 20)]  // BPF_LD | BPF_H | BPF_ABS, in network byte order
    let isAll = ports.count <= ClosedSocketMonitor.maxFilteredPorts
    for port in isAll ? [0] + ports : [] {
      program.append(sock_filter(code: 0x15, jt: 0, jf: 1, k: UInt32(port)))  // BPF_JMP | BPF_JEQ | BPF_K
      program.append(sock_filter(code: 0x06, jt: 0, jf: 0, k: .max))  // BPF_RET | BPF_K
    }
    program.append(sock_filter(code: 0x06, jt: 0, jf: 0, k: isAll ? 0 : .max))
    // First: the room for such programs (net.core.optmem_max) may not do for two, and without any all is told.
    setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, nil, 0)
    program.withUnsafeMutableBufferPointer { instructions in
      var filter = sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
      setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<sock_fprog>.size))
    }
  }
}
