import LinuxFormats
import Primitives

/// A TCP socket on one of the command's ports, as the kernel reports it. Queues and ages are `nil` if the source lacks
/// them.
package struct Connection: Sendable {
  /// The state of TCP (RFC 9293 section 3.3.2).
  package var state: TCPState
  /// The command's port, in host byte order.
  package var localPort: UInt16
  /// The address of the other end.
  package var peer: SocketAddress
  /// Bytes that the command has not read. For a listening socket: connections that wait for `accept`. `nil` if the kernel
  /// does not report it (gVisor).
  package var receiveQueue: UInt32?
  /// Bytes that the other end has not acknowledged. `nil` if the kernel does not report it.
  package var sendQueue: UInt32?
  /// The inode of the socket. 0 if no process has the socket: it is not accepted yet, or its process has closed it.
  package var inode: UInt64
  /// The fields of `tcp_info`. `nil` if the source lacks them.
  package var tcpInfo: TCPInfo?
  /// The kernel's number of the socket (`SO_COOKIE`). 0 if the kernel does not report it.
  package var cookie: UInt64 = 0

  package init(
    state: TCPState, localPort: UInt16, peer: SocketAddress, receiveQueue: UInt32?, sendQueue: UInt32?, inode: UInt64,
    tcpInfo: TCPInfo?
  ) {
    self.state = state
    self.localPort = localPort
    self.peer = peer
    self.receiveQueue = receiveQueue
    self.sendQueue = sendQueue
    self.inode = inode
    self.tcpInfo = tcpInfo
  }
}

extension SocketRecord {
  /// The connection or listening socket of this record. `nil` in a state that needs no wait: TIME_WAIT, and FIN_WAIT2
  /// without a process, where the command has closed the socket and only the other end can still send.
  package var connection: Connection? {
    guard let state = TCPState(rawValue: state), state != .finWait2 || inode != 0 else { return nil }
    var connection = Connection(
      state: state, localPort: localPort, peer: peer, receiveQueue: receiveQueue, sendQueue: sendQueue, inode: inode,
      tcpInfo: tcpInfo)
    connection.cookie = cookie
    return connection
  }
}
