@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

func sample(_ connections: Connection..., closed: Int = 0, listeners: ConnectionSample.PortSource = .ofTree)
  -> ConnectionSample
{
  var sample = ConnectionSample(source: .diagWithInfo, listeners: listeners)
  sample.ports = listeners == .none ? [] : [80]
  sample.closed = closed
  sample.eventHorizonAge = .zero
  for connection in connections { sample.counts.add(connection, quiet: .seconds(2)) }
  return sample
}

/// A connection with empty queues; ages in milliseconds.
func connection(
  _ state: TCPState = .established, sent: Int, received: Int, bytes: UInt64 = 100, answered: UInt64 = 100
) -> Connection {
  Connection(
    state: state, localPort: 80, peer: SocketAddress(.loopback4, port: 5000), receiveQueue: 0, sendQueue: 0,
    inode: 1,
    tcpInfo: .init(
      lastSendAge: .milliseconds(sent), lastReceiveAge: .milliseconds(received), lastAckAge: .milliseconds(sent),
      bytesReceived: bytes, bytesAcknowledged: answered))
}
