import Primitives

/// The ages and counters of a connection, from struct tcp_info, linux/tcp.h.
package struct TCPInfo: Sendable {
  /// The time since the command last sent a byte; since the connection was accepted if it has sent none.
  package var lastSendAge: TimeAmount
  /// The time since a byte last arrived; since the connection was accepted if none has.
  package var lastReceiveAge: TimeAmount
  /// The time since the last acknowledgement from the other end.
  package var lastAckAge: TimeAmount
  /// The number of bytes received since the connection began.
  package var bytesReceived: UInt64
  /// The number of bytes that the other end has acknowledged since the connection began.
  package var bytesAcknowledged: UInt64
  /// `nil` before Linux 4.6, which does not report them.
  package var segments: Segments?

  /// Counts of segments with data since the connection began.
  package struct Segments: Sendable {
    package var received: UInt32
    package var sent: UInt32
    /// The maximum size of a segment that the command sends, in bytes.
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
