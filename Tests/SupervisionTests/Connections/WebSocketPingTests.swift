import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// A message of a WebSocket client that comes close to a ping, sampled at every phase.
@Suite struct WebSocketPingTests {
  /// A segment as the server counts it.
  private struct Segment {
    /// Milliseconds.
    let at: Int
    var received: UInt64 = 0
    var sent: UInt64 = 0
  }

  private enum Side: CaseIterable {
    case client, server, both

    /// Pings with such a payload and their answers; each answer is `pause` milliseconds late.
    func ping(at: Int, pause: Int, payload: UInt64) -> [Segment] {
      let ofClient = [Segment(at: at, received: payload + 6), Segment(at: at + pause, sent: payload + 2)]
      let ofServer = [Segment(at: at, sent: payload + 2), Segment(at: at + pause, received: payload + 6)]
      switch self {
      case .client: return ofClient
      case .server: return ofServer
      case .both: return ofClient + ofServer
      }
    }
  }

  private static let messageAt = 1501

  /// Samples a connection each 250 ms that has had its handshake. The kernel's clock ticks each 4 ms.
  private func sample(_ segments: [Segment], _ given: PortProtocol?, phase: Int) -> Bool {
    var table = ConnectionTable(given: [Port(443, speaks: given)])
    let handshake = [Segment(at: -2000, received: 200), Segment(at: -1996, sent: 129)]
    let segments = handshake + segments.sorted { $0.at < $1.at }
    var isOwed = false
    for now in stride(from: phase, through: 4800, by: 250) {
      var info = TCPInfo(
        lastSendAge: .zero, lastReceiveAge: .zero, lastAckAge: .zero, bytesReceived: 0, bytesAcknowledged: 0)
      var counts = TCPInfo.Segments(received: 0, sent: 0, largest: 65_483)
      for segment in segments where segment.at <= now {
        let age = TimeAmount.milliseconds((now >> 2 - segment.at >> 2) << 2)
        if segment.received > 0 {
          info.bytesReceived += segment.received
          info.lastReceiveAge = age
          counts.received += 1
        } else {
          info.bytesAcknowledged += segment.sent
          info.lastSendAge = age
          counts.sent += 1
        }
        info.lastAckAge = age
      }
      info.segments = counts
      var connection = Connection(
        state: .established, localPort: 443, peer: SocketAddress(.loopback4, port: 1), receiveQueue: 0, sendQueue: 0,
        inode: 1, tcpInfo: info)
      connection.cookie = 9
      table.beginPass(at: Instant(nanoseconds: 0) + .milliseconds(now))
      isOwed = table.look(connection, at: Instant(nanoseconds: 0) + .milliseconds(now))?.isOwed ?? false
    }
    return isOwed
  }

  /// How many of the samplings of a message and its answer, if there is one, end as `isOwed` says.
  private func count(
    isOwed: Bool, message: UInt64, answer: [Segment], _ sides: [Side], pauses: [Int], _ payload: UInt64,
    _ given: PortProtocol?
  ) -> (right: Int, all: Int) {
    var counts = (right: 0, all: 0)
    for side in sides {
      for pause in pauses {
        for repeats in [0...0, -1...0, 0...2] {
          for distance in stride(from: -60, through: 60, by: 12) {
            for phase in stride(from: 0, to: 250, by: 8) {
              var segments = [Segment(at: Self.messageAt, received: message)] + answer
              for number in repeats {
                segments += side.ping(at: Self.messageAt + distance + number * 700, pause: pause, payload: payload)
              }
              counts.all += 1
              if sample(segments, given, phase: phase) == isOwed { counts.right += 1 }
            }
          }
        }
      }
    }
    return counts
  }

  @Test(arguments: [nil, .ws] as [PortProtocol?], [0, 4, 8] as [UInt64])
  func `a message is owed its answer wherever a ping crosses it`(given: PortProtocol?, payload: UInt64) {
    // The smallest, one of the size of a ping, and a larger one.
    for message in [7, payload + 6, 50] where message > 6 {
      let counts = count(
        isOwed: true, message: message, answer: [], Side.allCases, pauses: [0, 10], payload, given)
      #expect(counts.right == counts.all, "\(message) bytes")
    }
  }

  @Test(arguments: [nil, .ws] as [PortProtocol?], [1, 600])
  func `a message that is answered is idle wherever a ping crosses it`(given: PortProtocol?, after: Int) {
    let answer = [Segment(at: Self.messageAt + after, sent: 42)]
    let counts = count(
      isOwed: false, message: 11, answer: answer, [.client, .both], pauses: [0], 4, given)
    #expect(counts.right == counts.all)
  }
}
