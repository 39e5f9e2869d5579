import Primitives

/// A TCP socket in any state, as a row of sock_diag(7) or a line of /proc/net shows it.
package struct SocketRecord: Sendable {
  /// Its number in net/tcp_states.h.
  package var state: UInt8
  /// In host byte order.
  package var localPort: UInt16
  /// Nil where the source has none: /proc/net.
  package var localAddress: IPAddress?
  /// The other end; of a listener: nobody's address and port 0.
  package var peer: SocketAddress
  /// See `Connection`; nil: not told.
  package var receiveQueue: UInt32?
  /// See `Connection`; nil: not told.
  package var sendQueue: UInt32?
  /// 0: no process has it.
  package var inode: UInt64
  /// The kernel's own number of the socket, that SO_COOKIE tells too; 0: not told.
  package var cookie: UInt64 = 0
  /// Nil: not told.
  package var tcpInfo: TCPInfo?
  /// The id of the control group that it was made in; nil: not told.
  package var controlGroup: UInt64?

  /// Whether the other end may be a socket of this network namespace. A client that connects to an address of its own
  /// machine gets the same one, unless it binds another.
  package var hasLocalPeer: Bool {
    guard let localAddress else { return false }
    return localAddress == peer.address || localAddress.isLoopback4 && peer.address.isLoopback4
  }

  /// Whether this is the other end of the same connection.
  package func isOtherEnd(of row: SocketRecord) -> Bool {
    localPort == row.peer.port && localAddress == row.peer.address
      && row.localAddress.map { peer == SocketAddress($0, port: row.localPort) } ?? false
  }

  /// Where this row tells of the end of a socket: since a byte or the connection itself came in; nil where the socket
  /// was no connection. The ages are those at its end.
  ///
  /// What was a connection has a peer, or something in its queue: a process that closes without a farewell (SO_LINGER
  /// of 0) has the kernel forget the peer and the last byte, and leaves a gap in the sequence behind. Its answer
  /// was sent after that byte.
  package var sinceReceivedAtEnd: TimeAmount? {
    if peer.port != 0 { return tcpInfo?.lastReceiveAge ?? .zero }
    return sendQueue ?? 0 > 0 ? tcpInfo?.lastSendAge ?? .zero : nil
  }
}
