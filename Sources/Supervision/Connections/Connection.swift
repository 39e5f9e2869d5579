import LinuxFormats
import Primitives

/// A TCP socket on one of the command's ports, as the kernel shows it. Queues and ages are absent where the source does
/// not tell them.
package struct Connection: Sendable {
  /// Where it is in its life.
  package var state: TCPState
  /// The command's port, in host byte order.
  package var localPort: UInt16
  /// The other end.
  package var peer: SocketAddress
  /// Bytes that the command has not read; of a listener: connections that wait to be accepted. Nil: not told (gVisor).
  package var receiveQueue: UInt32?
  /// Bytes that the other end has not acknowledged. Nil: not told.
  package var sendQueue: UInt32?
  /// 0: no process has it, since nobody has accepted it yet, or its process has closed it.
  package var inode: UInt64
  /// What only tcp_info tells; nil: not told.
  package var tcpInfo: TCPInfo?
  /// The kernel's own number of the socket; 0: not told.
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
  /// As a connection or listener. Nil in a state that means neither: nobody has to wait for TIME_WAIT, nor for a
  /// connection that has closed both its ends and is in FIN_WAIT2 only for the other's sake, without a process.
  package var connection: Connection? {
    guard let state = TCPState(rawValue: state), state != .finWait2 || inode != 0 else { return nil }
    var connection = Connection(
      state: state, localPort: localPort, peer: peer, receiveQueue: receiveQueue, sendQueue: sendQueue, inode: inode,
      tcpInfo: tcpInfo)
    connection.cookie = cookie
    return connection
  }
}
