import CPlatform
import Supervision

/// Counts the connections that are closed: the kernel tells a multicast group of sock_diag(7) about each TCP socket
/// that ends. For those which open and close between two looks at the table.
final class ClosedConnections {
  /// On the command's ports, so far.
  private(set) var count = 0
  /// Some that were closed since the last pass may be missing in the count.
  private(set) var hasMissed: Bool
  /// The youngest inbound byte of those that were counted since `endPass`.
  private(set) var sinceReceived: Span?

  private let socket: Int32
  private let buffer = UnsafeMutableRawPointer.allocate(byteCount: ClosedConnections.bufferSize, alignment: 8)
  private var taken = 0
  /// Nothing is ever told.
  private let isDeaf: Bool

  /// SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
  private static let groups: UInt32 = 1 << 0 | 1 << 2
  /// The kernel gives what the system allows (net.core.rmem_max), and takes it only as messages come.
  static let room: Int32 = 4 << 20
  /// For one message.
  private static let bufferSize = 2048
  private static let mostInAStep = 64
  private static let mostInAPass = 4096

  /// Counts nothing where the group is not to be had. `room`: for messages that nobody has taken yet, in bytes.
  init(room: Int32 = room) {
    socket = (try? openDiagSocket()) ?? -1
    var room = room
    if socket >= 0 { setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size)) }
    isDeaf = socket < 0 || ebb_join_netlink_groups(socket, ClosedConnections.groups) != 0
    hasMissed = isDeaf
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
    hasMissed = isDeaf
  }

  /// Takes some messages. Returns whether there may be more.
  func step(_ ports: Ordered<UInt16>) -> Bool {
    guard socket >= 0 else { return false }
    for _ in 0..<ClosedConnections.mostInAStep {
      taken += 1
      let length = Int(ebb_receive_from_kernel(socket, buffer, Int32(ClosedConnections.bufferSize)))
      if length < 0, Errno.current.code == EAGAIN { return false }
      guard 0...ClosedConnections.bufferSize ~= length else {
        hasMissed = true  // ENOBUFS: there was no more room
        continue
      }
      var messages = DiagMessages(UnsafeRawBufferPointer(start: buffer, count: length), sequence: 0)
      while let message = messages.next() {
        if case .socket(let row) = message { add(row, ports) } else { hasMissed = true }
      }
    }
    if taken < ClosedConnections.mostInAPass { return true }
    hasMissed = true  // what is left there is as unknown as what had no room
    return false
  }

  private func add(_ row: SocketRow, _ ports: Ordered<UInt16>) {
    guard ports.contains(row.localPort), let age = row.sinceReceivedAtEnd else { return }
    count += 1
    sinceReceived = min(age, sinceReceived ?? age)
  }
}
