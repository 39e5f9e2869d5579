import Primitives

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
