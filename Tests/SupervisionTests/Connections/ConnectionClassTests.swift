import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The class of a connection, and the counts of each class.
@Suite struct ConnectionClassTests {
  private struct Case: CustomTestStringConvertible {
    var state = TCPState.established
    var receive: UInt32? = 0
    var send: UInt32? = 0
    var inode: UInt64 = 7
    /// Ages in milliseconds.
    var sent = 5000
    var received = 5000
    var acknowledged = 5000
    var bytes: UInt64 = 100
    var answered: UInt64 = 100
    var hasAges = true
    let expected: ConnectionClass

    var connection: Connection {
      let ages = TCPInfo(
        lastSendAge: .milliseconds(sent), lastReceiveAge: .milliseconds(received),
        lastAckAge: .milliseconds(acknowledged),
        bytesReceived: bytes, bytesAcknowledged: answered)
      return Connection(
        state: state, localPort: 80, peer: SocketAddress(.loopback4, port: 1), receiveQueue: receive, sendQueue: send,
        inode: inode, tcpInfo: hasAges ? ages : nil)
    }
    var testDescription: String { "\(self)" }
  }

  /// For a quiet time of 2 s.
  @Test(arguments: [
    Case(inode: 0, expected: .pendingAccept),
    Case(receive: 5, inode: 0, expected: .pendingAccept),
    Case(state: .closeWait, receive: 6, inode: 0, expected: .pendingAccept),
    Case(receive: 1, expected: .unreadRequest),
    Case(receive: 1, send: 1, expected: .unreadRequest),
    Case(receive: 1, hasAges: false, expected: .unreadRequest),
    Case(send: 1, expected: .responseInFlight),
    Case(send: 1, sent: 5000, received: 4000, expected: .responseInFlight),
    Case(send: 1, hasAges: false, expected: .responseInFlight),
    Case(sent: 5000, received: 4999, expected: .owedResponse),
    Case(sent: 500_000, received: 400_000, expected: .owedResponse),
    Case(sent: 100, received: 50, expected: .owedResponse),
    Case(answered: 0, expected: .owedResponse),
    Case(sent: 4000, received: 5000, answered: 0, expected: .owedResponse),
    Case(sent: 1999, received: 90_000, expected: .activeStream),
    Case(sent: 1999, received: 1999, expected: .activeStream),
    Case(sent: 1999, received: 1999, bytes: 0, expected: .activeStream),
    Case(sent: 2000, received: 2000, expected: .idle),
    Case(sent: 2000, received: 90_000, expected: .idle),
    Case(sent: 2000, received: 2000, bytes: 0, expected: .neverUsed),
    Case(sent: 2000, received: 9000, bytes: 0, expected: .neverUsed),
    Case(bytes: 0, answered: 0, expected: .neverUsed),
    Case(hasAges: false, expected: .unknown),
    Case(receive: nil, send: nil, hasAges: false, expected: .unknown),

    // The end of the stream counts as one byte.
    Case(state: .closeWait, receive: 1, expected: .halfClosed),
    Case(state: .closeWait, expected: .halfClosed),
    Case(state: .closeWait, sent: 1999, received: 5000, expected: .activeStream),
    Case(state: .closeWait, sent: 2000, received: 5000, expected: .halfClosed),
    Case(state: .closeWait, receive: 1, sent: 5000, received: 4000, bytes: 1, expected: .halfClosed),
    Case(state: .closeWait, receive: 2, expected: .unreadRequest),
    Case(state: .closeWait, send: 1, expected: .responseInFlight),
    Case(state: .closeWait, sent: 5000, received: 4000, expected: .owedResponse),
    Case(state: .closeWait, bytes: 2, answered: 0, expected: .owedResponse),
    Case(state: .closeWait, bytes: 1, answered: 0, expected: .halfClosed),
    Case(state: .closeWait, hasAges: false, expected: .unknown),

    Case(state: .finWait1, send: 1, acknowledged: 0, expected: .halfClosed),
    Case(state: .finWait1, send: 2, acknowledged: 4999, expected: .responseInFlight),
    Case(state: .finWait1, send: 2, acknowledged: 5000, expected: .halfClosed),
    Case(state: .finWait1, send: 2, inode: 0, hasAges: false, expected: .responseInFlight),
    Case(state: .closing, send: 2, acknowledged: 0, expected: .responseInFlight),
    Case(state: .lastAck, send: 2, acknowledged: 0, expected: .responseInFlight),
    Case(state: .lastAck, send: nil, hasAges: false, expected: .halfClosed),
    Case(state: .finWait2, sent: 0, received: 0, expected: .halfClosed),
  ])
  private func `the class of a connection follows from its state, queues and ages`(_ row: Case) {
    #expect(row.connection.class(quiet: .seconds(2)) == row.expected)
  }

  @Test func `the drain waits for owed, unread, unaccepted, active and unknown connections`() {
    let busy = ConnectionClass.allCases.filter { $0.isBusy }
    #expect(
      busy == [.pendingAccept, .unreadRequest, .responseInFlight, .owedResponse, .activeStream, .unknown])
    let inFlight = ConnectionClass.allCases.filter { $0.isRequestInFlight }
    #expect(inFlight == [.pendingAccept, .unreadRequest, .responseInFlight, .owedResponse])
  }

  @Test func `connections in the accept queue count once, whether their rows were seen or not`() {
    var census = ConnectionCounts()
    let rows = [
      Case(expected: .idle), Case(inode: 0, expected: .pendingAccept), Case(receive: 3, expected: .unreadRequest),
      Case(state: .closeWait, sent: 2000, received: 2700, expected: .halfClosed),
      Case(state: .finWait2, expected: .halfClosed), Case(sent: 900, received: 1000, expected: .activeStream),
    ]
    for row in rows { census.add(row.connection, quiet: .seconds(2)) }
    // The accept queue holds two more than there were rows: they arrived later, or their rows were missed.
    #expect(census[.pendingAccept] == 1)
    for waiting in [2, 1] as [UInt32] {
      census.add(Case(state: .listen, receive: waiting, expected: .pendingAccept).connection, quiet: .seconds(2))
    }
    #expect(census.connections == 6)
    #expect(census.established == 4)
    #expect(census[.pendingAccept] == 3)
    #expect(census[.halfClosed] == 2)
    #expect(census.inFlight == 4)
    #expect(census.busy == 5)
    #expect(census.idle == 3)
    #expect(census.sinceReceived == .milliseconds(1000))
  }

  @Test func `a connection in the accept queue that has sent nothing for the quiet time owes no response`() {
    var census = ConnectionCounts()
    census.add(Case(inode: 0, bytes: 0, expected: .neverUsed).connection, quiet: .seconds(2))
    census.add(Case(state: .listen, receive: 1, expected: .pendingAccept).connection, quiet: .seconds(2))
    #expect(census[.pendingAccept] == 0)
    #expect(census[.neverUsed] == 1)
    #expect(census.busy == 0)
  }

  // MARK: Rows

  @Test func `a socket without a process in FIN_WAIT2 or in TIME_WAIT is not a connection`() {
    let matters: [UInt8] = [1, 4, 5, 8, 9, 10, 11]
    for state in UInt8.min...UInt8.max {
      #expect((row(state: state).connection != nil) == matters.contains(state))
    }
    // Both ends are closed and no process has the socket; in FIN_WAIT2 and TIME_WAIT it looks the same.
    #expect(row(state: 5, inode: 0).connection == nil)
    #expect(row(state: 4, inode: 0).connection != nil)
  }

  private func row(
    state: UInt8 = 7, inode: UInt64 = 1, peerPort: UInt16 = 5, sendQueue: UInt32? = 0, hasAges: Bool = true
  ) -> SocketRecord {
    let ages = TCPInfo(
      lastSendAge: .milliseconds(20), lastReceiveAge: .milliseconds(30), lastAckAge: .zero, bytesReceived: 1,
      bytesAcknowledged: 0)
    return SocketRecord(
      state: state, localPort: 80, peer: SocketAddress(.loopback4, port: peerPort), receiveQueue: 0,
      sendQueue: sendQueue, inode: inode, tcpInfo: hasAges ? ages : nil, controlGroup: nil)
  }

  @Test func `the age of a closed connection is that of its last byte received, or sent if it was reset`() {
    #expect(row().sinceReceivedAtEnd == .milliseconds(30))
    #expect(row(hasAges: false).sinceReceivedAtEnd == .zero)
    #expect(row(peerPort: 0, sendQueue: 65538).sinceReceivedAtEnd == .milliseconds(20))
    #expect(row(peerPort: 0).sinceReceivedAtEnd == nil)
  }
}
