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

  /// From struct tcp_info, linux/tcp.h.
  package struct TCPInfo: Sendable {
    /// Since the command last sent a byte; since the connection came, where it has sent none.
    package var lastSendAge: TimeAmount
    /// Since a byte last came in; since the connection came, where none has.
    package var lastReceiveAge: TimeAmount
    /// Since the other end last acknowledged anything.
    package var lastAckAge: TimeAmount
    /// Bytes that have come in, ever.
    package var bytesReceived: UInt64
    /// Bytes that the other end has acknowledged, ever.
    package var bytesAcknowledged: UInt64
    /// Nil: not told (before Linux 4.6).
    package var segments: Segments?

    /// Segments with data, ever.
    package struct Segments: Sendable {
      /// That have come in.
      package var received: UInt32
      /// That the command has sent.
      package var sent: UInt32
      /// Bytes that fit into one that the command sends.
      package var largest: UInt32

      package init(received: UInt32, sent: UInt32, largest: UInt32) {
        (self.received, self.sent, self.largest) = (received, sent, largest)
      }
    }

    package init(
      lastSendAge: TimeAmount, lastReceiveAge: TimeAmount, lastAckAge: TimeAmount, bytesReceived: UInt64,
      bytesAcknowledged: UInt64
    ) {
      self.lastSendAge = lastSendAge
      self.lastReceiveAge = lastReceiveAge
      self.lastAckAge = lastAckAge
      self.bytesReceived = bytesReceived
      self.bytesAcknowledged = bytesAcknowledged
    }
  }

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
