import Primitives

/// A TCP socket in any state, from sock_diag(7) or a line of /proc/net.
package struct SocketRecord: Sendable {
  /// The state's number in net/tcp_states.h.
  package var state: UInt8
  /// In host byte order.
  package var localPort: UInt16
  /// `nil` if the source is /proc/net.
  package var localAddress: IPAddress?
  /// The other end; for a listening socket the unspecified address and port 0.
  package var peer: SocketAddress
  /// See `Connection`; `nil` if the kernel does not report it.
  package var receiveQueue: UInt32?
  /// See `Connection`; `nil` if the kernel does not report it.
  package var sendQueue: UInt32?
  /// 0 if no process has the socket open.
  package var inode: UInt64
  /// The kernel's number of the socket, as in SO_COOKIE; 0 if unknown.
  package var cookie: UInt64 = 0
  /// `nil` if the kernel does not report it.
  package var tcpInfo: TCPInfo?
  /// The ID of the control group in which the socket was created; `nil` if the kernel does not report it.
  package var controlGroup: UInt64?

  /// Whether the other end may be a socket in this network namespace. A client that connects to an address of its own
  /// machine gets the same source address, unless it binds another.
  package var hasLocalPeer: Bool {
    guard let localAddress else { return false }
    return localAddress == peer.address || localAddress.isLoopback4 && peer.address.isLoopback4
  }

  /// Whether this is the other end of the same connection.
  package func isOtherEnd(of row: SocketRecord) -> Bool {
    localPort == row.peer.port && localAddress == row.peer.address
      && row.localAddress.map { peer == SocketAddress($0, port: row.localPort) } ?? false
  }

  /// The time since the last byte, or else the connection, arrived, in a record of a closed socket. `nil` if the socket
  /// was not a connection. The ages are those at the moment of closing.
  ///
  /// A closed socket was a connection if it has a peer or a non-empty send queue. After an abortive close (SO_LINGER
  /// with timeout 0) the kernel clears the peer and the receive age but leaves a gap in the sequence, so the send queue
  /// is not 0. The age of the last send is used then, because the response was sent after the last byte received.
  package var sinceReceivedAtEnd: TimeAmount? {
    if peer.port != 0 { return tcpInfo?.lastReceiveAge ?? .zero }
    return sendQueue ?? 0 > 0 ? tcpInfo?.lastSendAge ?? .zero : nil
  }
}
