import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// A first request over TLS, where the client acknowledges the last segment of the server late: TLS 1.2 and an answer, or
/// TLS 1.3 and session tickets behind a proxy on the same machine.
@Suite struct TLSTicketsTests {
  private func isOwed(_ given: PortProtocol?) -> Bool? {
    var table = ConnectionTable(given: [Port(443, speaks: given)])
    let start = Instant(nanoseconds: 0)
    table.beginPass(at: start)
    var one = connection(sent: 200, received: 200, bytes: 750, answered: 1500)
    one.localPort = 443
    one.tcpInfo?.lastAckAge = .milliseconds(156)
    one.tcpInfo?.segments = .init(received: 3, sent: 3, largest: 65_483)
    one.cookie = 1
    table.beginPass(at: start)
    return table.look(one, at: start)?.isOwed
  }

  @Test func `with https given it is owed an answer`() {
    #expect(isOwed(.https) == true)
  }

  @Test func `without a protocol it is answered`() {
    #expect(isOwed(nil) == false)
  }
}
