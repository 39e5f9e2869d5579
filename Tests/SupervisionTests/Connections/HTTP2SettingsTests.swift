import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The first request of an HTTP/2 connection without TLS on a busy machine: what the server has sent is SETTINGS, and arrives
/// in as many segments as the request.
@Suite struct HTTP2SettingsTests {
  /// Whether an answer is owed after one exchange, on a connection that began before the stop signal or after it.
  private func isOwed(_ received: UInt64, _ sent: UInt64, segments: UInt32, isNew: Bool) -> Bool? {
    var table = ConnectionTable()
    let start = Instant(nanoseconds: 0)
    if isNew { table.beginPass(at: start) }
    var one = connection(sent: 40, received: 40, bytes: received, answered: sent)
    one.tcpInfo?.lastAckAge = .milliseconds(40)
    one.tcpInfo?.segments = .init(received: segments, sent: segments, largest: 65_483)
    one.cookie = 1
    table.beginPass(at: start)
    return table.look(one, at: start)?.isOwed
  }

  /// Recorded with Python's grpcio.
  @Test(arguments: [(365, 85, 2), (378, 72, 3)] as [(UInt64, UInt64, UInt32)])
  func `settings are no answer after the stop signal`(received: UInt64, sent: UInt64, segments: UInt32) {
    #expect(isOwed(received, sent, segments: segments, isNew: true) == true)
  }

  @Test func `a pool from before the stop signal is idle`() {
    #expect(isOwed(365, 85, segments: 2, isNew: false) == false)
  }

  /// Two GET requests over HTTP/1.1; three SET commands of Redis; three GET commands.
  @Test(arguments: [(240, 180, 2), (400, 15, 3), (90, 75, 3)] as [(UInt64, UInt64, UInt32)])
  func `several small requests with an answer each are answered`(received: UInt64, sent: UInt64, segments: UInt32) {
    #expect(isOwed(received, sent, segments: segments, isNew: true) == false)
  }
}
