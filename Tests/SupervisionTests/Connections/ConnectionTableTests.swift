import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// What several samples of one connection show.
@Suite struct ConnectionTableTests {
  /// A connection that is sampled every 250 ms; the first pass does not see it yet.
  private struct Story {
    private var table: ConnectionTable
    private(set) var now = Instant(nanoseconds: 0)
    private var connection: Connection
    private(set) var judgment: Judgment?

    init(_ speaks: PortProtocol? = nil, largestSegment: UInt32 = 65_483) {
      table = ConnectionTable(given: [Port(443, speaks: speaks)])
      var ages = TCPInfo(
        lastSendAge: .zero, lastReceiveAge: .zero, lastAckAge: .zero, bytesReceived: 0, bytesAcknowledged: 0)
      ages.segments = .init(received: 0, sent: 0, largest: largestSegment)
      connection = Connection(
        state: .established, localPort: 443, peer: SocketAddress(.loopback4, port: 1), receiveQueue: 0, sendQueue: 0,
        inode: 1, tcpInfo: ages)
      connection.cookie = 9
      table.beginPass(at: now)
    }

    /// Transfers bytes in segments each way shortly before the next sample; ages in milliseconds.
    mutating func exchange(
      _ received: UInt64 = 0, _ segmentsIn: UInt32 = 1, _ sent: UInt64 = 0, _ segmentsOut: UInt32 = 1,
      receiveAge: Int = 100, sendAge: Int = 100, acknowledged: Int = 100
    ) {
      next()
      guard var ages = connection.tcpInfo, var segments = ages.segments else { return }
      ages.bytesReceived += received
      ages.bytesAcknowledged += sent
      if received > 0 {
        segments.received += segmentsIn
        ages.lastReceiveAge = .milliseconds(receiveAge)
      }
      if sent > 0 {
        segments.sent += segmentsOut
        ages.lastSendAge = .milliseconds(sendAge)
      }
      ages.lastAckAge = .milliseconds(acknowledged)
      ages.segments = segments
      connection.tcpInfo = ages
      look()
    }

    mutating func wait(seconds: Int) {
      for _ in 0..<(seconds * 4) {
        next()
        look()
      }
    }

    private mutating func next() {
      let pause = TimeAmount.milliseconds(250)
      now = now + pause
      guard var ages = connection.tcpInfo else { return }
      ages.lastReceiveAge = ages.lastReceiveAge + pause
      ages.lastSendAge = ages.lastSendAge + pause
      ages.lastAckAge = ages.lastAckAge + pause
      connection.tcpInfo = ages
    }

    private mutating func look() {
      table.beginPass(at: now)
      judgment = table.look(connection, at: now)
    }

    var isOwed: Bool { judgment?.isOwed ?? false }
    var `class`: ConnectionClass { connection.class(quiet: .seconds(2), judgment) }

    /// A TLS handshake, the first request and its response.
    mutating func answerInTLS() {
      exchange(530, 5, 1600, 5)
      wait(seconds: 1)
      exchange(61, 1, 152, 1)
    }
  }

  @Test func `a request of one segment and its response leave the connection idle`() {
    var scenario = Story()
    scenario.exchange(120, 1, 1500, 2)
    #expect(!scenario.isOwed)
    scenario.wait(seconds: 2)
    #expect(scenario.class == .idle)
  }

  @Test func `a request without a response is owed one until it is sent`() {
    var scenario = Story()
    scenario.exchange(120)
    scenario.wait(seconds: 300)
    #expect(scenario.class == .owedResponse)
    scenario.exchange(0, 0, 400, 1)
    #expect(!scenario.isOwed)
  }

  @Test func `the session tickets of a TLS server are not taken for a response for a minute`() {
    var scenario = Story()
    scenario.exchange(446, 3, 1895, 3)
    scenario.wait(seconds: 58)
    #expect(scenario.class == .owedResponse)
    scenario.wait(seconds: 2)
    #expect(scenario.class == .idle)
  }

  @Test func `the response after the session tickets of a TLS server ends the wait`() {
    var scenario = Story()
    scenario.exchange(446, 3, 1895, 3)
    scenario.wait(seconds: 3)
    scenario.exchange(0, 0, 152, 1)
    #expect(!scenario.isOwed)
  }

  @Test func `in TLS 1.2 a last segment sent on its own is the response`() {
    var scenario = Story()
    scenario.exchange(478, 3, 1439, 3, acknowledged: 56)
    #expect(!scenario.isOwed)
    // The certificate fills more than a segment, so one of the three may be a ticket.
    var small = Story(largestSegment: 1448)
    small.exchange(478, 3, 1700, 3, acknowledged: 56)
    #expect(small.isOwed)
  }

  @Test func `on a port that sends two tickets a lone last segment may be a ticket`() {
    var table = ConnectionTable()
    func judge(_ cookie: UInt64, acknowledged: Int) -> Judgment? {
      var one = connection(sent: 200, received: 200, bytes: 478, answered: 1439)
      one.tcpInfo?.lastAckAge = .milliseconds(acknowledged)
      one.tcpInfo?.segments = .init(received: 3, sent: 3, largest: 65_483)
      one.cookie = cookie
      return table.look(one, at: Instant(nanoseconds: 0))
    }
    for _ in 0..<2 { table.beginPass(at: Instant(nanoseconds: 0)) }
    #expect(judge(1, acknowledged: 156)?.isOwed == false)
    #expect(judge(2, acknowledged: 200)?.isOwed == true)
    #expect(judge(1, acknowledged: 156)?.isOwed == true)
  }

  @Test func `on a port whose connections begin with a request no segment is a ticket`() {
    var scenario = Story(.http)
    scenario.exchange(446, 3, 1895, 3)
    #expect(!scenario.isOwed)
    var found = Story()
    found.exchange(120, 1, 1500, 2)
    found.wait(seconds: 1)
    found.exchange(330, 2, 1000, 2)
    #expect(!found.isOwed)
  }

  @Test func `the SETTINGS frames of an HTTP/2 server are not a response`() {
    for given in [nil, .grpc, .h2c] as [PortProtocol?] {
      var scenario = Story(given)
      scenario.exchange(364, 4, 72, 3)
      #expect(scenario.isOwed)
    }
    var redis = Story()  // each command has a response
    redis.exchange(160, 3, 20, 3)
    #expect(!redis.isOwed)
  }

  @Test func `the segments of an upload are not a TLS handshake`() {
    var scenario = Story()
    for _ in 0..<4 { scenario.exchange(20_000, 2, 0, 0) }
    #expect(scenario.isOwed)
    scenario.exchange(20_000, 1, 64, 1)
    #expect(!scenario.isOwed)
  }

  @Test(arguments: [(99, 2, 35), (72, 1, 35), (99, 2, 48)] as [(UInt64, UInt32, UInt64)])
  func `a WINDOW_UPDATE frame is not a response`(received: UInt64, segments: UInt32, sent: UInt64) {
    var scenario = Story()
    scenario.answerInTLS()
    #expect(!scenario.isOwed)
    scenario.exchange(received, segments, sent, 1)
    scenario.wait(seconds: 60)
    #expect(scenario.class == .owedResponse)
  }

  @Test func `a PING frame of the server is not a response`() {
    var scenario = Story(.grpc)
    scenario.exchange(364, 4, 72, 3)
    scenario.wait(seconds: 1)
    scenario.exchange(0, 0, 180, 2)
    scenario.exchange(83, 2, 17, 1)
    #expect(scenario.class == .owedResponse)
  }

  @Test func `a PING frame with a WINDOW_UPDATE frame behind it is not a response`() {
    var scenario = Story()
    scenario.exchange(412, 3, 229, 5)
    scenario.wait(seconds: 1)
    scenario.exchange(80, 2, 17, 1)
    scenario.exchange(17, 1, 30, 1)
    scenario.wait(seconds: 3)
    #expect(scenario.class == .owedResponse)
  }

  @Test func `a first request is owed a response despite SETTINGS, PING and WINDOW_UPDATE frames`() {
    for sendAge in [100, 112] {
      var scenario = Story()
      scenario.exchange(378, 4, 72, 3, receiveAge: 100, sendAge: sendAge)
      scenario.wait(seconds: 1)
      scenario.exchange(17, 1, 30, 1)
      scenario.wait(seconds: 3)
      #expect(scenario.class == .owedResponse)
    }
  }

  /// Python's grpcio on a busy machine: three segments each way in one tick of the clock, and pings of the client.
  @Test(arguments: [[(17, 30), (17, 17)], [(17, 0), (0, 30), (17, 17)], [(17, 17)]] as [[(UInt64, UInt64)]])
  func `a ping shows that an HTTP/2 server has sent only its settings`(exchanges: [(UInt64, UInt64)]) {
    var scenario = Story()
    scenario.exchange(378, 3, 72, 3, receiveAge: 40, sendAge: 40, acknowledged: 40)
    scenario.wait(seconds: 1)
    for (received, sent) in exchanges { scenario.exchange(received, 1, sent, 1) }
    scenario.wait(seconds: 3)
    #expect(scenario.class == .owedResponse)
    scenario.exchange(0, 0, 180, 2)
    #expect(!scenario.isOwed)
  }

  @Test func `PING frames do not settle whether a first request was answered`() {
    var scenario = Story()
    scenario.exchange(364, 4, 72, 3)
    scenario.wait(seconds: 1)
    for _ in 0..<8 { scenario.exchange(17, 1, 17, 1, receiveAge: 100, sendAge: 100, acknowledged: 56) }
    #expect(scenario.class == .owedResponse)
  }

  @Test(arguments: [(17, 17), (39, 39), (10, 6), (6, 2), (32, 28)] as [(UInt64, UInt64)])
  func `pings and their answers leave a connection idle`(received: UInt64, sent: UInt64) {
    var scenario = Story()
    scenario.exchange(120, 1, 200, 1)
    scenario.wait(seconds: 2)
    for _ in 0..<4 {
      scenario.exchange(received, 1, sent, 1, receiveAge: 100, sendAge: 112)
      #expect(scenario.class == .idle)
      // The same in two samples.
      scenario.exchange(0, 0, sent, 1)
      scenario.exchange(received, 1, 0, 0)
      #expect(scenario.class == .idle)
      scenario.wait(seconds: 1)
    }
    #expect(scenario.judgment.map { $0.sinceReceived > .seconds(6) } ?? false)
  }

  @Test func `pings do not answer a request that is owed a response`() {
    var scenario = Story(.ws)
    scenario.exchange(200, 1, 129, 1)
    scenario.wait(seconds: 1)
    scenario.exchange(13)
    for _ in 0..<4 {
      scenario.exchange(10, 1, 6, 1)
      scenario.exchange(10)
      scenario.exchange(0, 0, 6, 1)
      #expect(scenario.class == .owedResponse)
    }
    scenario.exchange(0, 0, 40, 1)
    #expect(!scenario.isOwed)
  }

  @Test func `a pong does not answer a WebSocket message that arrived with the ping`() {
    var scenario = Story()
    scenario.exchange(200, 1, 129, 1)
    scenario.wait(seconds: 1)
    scenario.exchange(10, 1, 6, 1)
    scenario.exchange(21, 2, 6, 1)
    scenario.wait(seconds: 3)
    #expect(scenario.class == .owedResponse)
    scenario.exchange(10, 1, 10, 2)
    #expect(!scenario.isOwed)
    scenario.exchange(11, 1, 6, 1)  // a message and its response
    #expect(!scenario.isOwed)
  }

  @Test func `a PING frame with a WINDOW_UPDATE frame is recognised at the next PING frame`() {
    var scenario = Story()
    scenario.exchange(429, 6, 314, 6)
    scenario.wait(seconds: 1)
    scenario.exchange(30, 1, 17, 1, receiveAge: 100, sendAge: 112)
    #expect(scenario.isOwed)
    scenario.exchange(17, 1, 17, 1, receiveAge: 100, sendAge: 112)
    #expect(!scenario.isOwed)
  }

  @Test func `a request of a ping's size is owed a response`() {
    var scenario = Story()
    scenario.exchange(120, 1, 200, 1)
    scenario.wait(seconds: 2)
    scenario.exchange(17)
    scenario.wait(seconds: 30)
    #expect(scenario.class == .owedResponse)
  }

  @Test func `100 Continue is not a response`() {
    var scenario = Story()
    scenario.exchange(160, 1, 25, 1)
    scenario.wait(seconds: 4)
    #expect(scenario.class == .owedResponse)
    scenario.exchange(5000, 4, 0, 0)
    scenario.exchange(0, 0, 120, 1)
    #expect(!scenario.isOwed)
  }

  @Test func `many small segments after a large response in HTTP/2 are WINDOW_UPDATE frames`() {
    var scenario = Story()
    scenario.answerInTLS()
    scenario.exchange(881, 14, 200_772, 22, receiveAge: 64, sendAge: 80)
    #expect(scenario.isOwed)
    scenario.wait(seconds: 3)
    #expect(scenario.class == .idle)
    // In HTTP/1.1 it is a second request.
    var plain = Story()
    plain.exchange(120, 1, 1500, 2)
    plain.wait(seconds: 1)
    plain.exchange(240, 2, 200_772, 22, receiveAge: 64, sendAge: 80)
    plain.wait(seconds: 30)
    #expect(plain.class == .owedResponse)
  }

  @Test func `on a port given as tcp the ages alone decide`() {
    var scenario = Story(.tcp)
    scenario.exchange(446, 3, 1895, 3)
    #expect(scenario.judgment == nil)
    #expect(scenario.class == .activeStream)
  }

  @Test func `the connection table keeps a bounded number of records, and drops those of closed connections`() {
    #expect(ConnectionTable.recordSize <= 64)
    var table = ConnectionTable(mostRecords: 100)
    var at = Instant(nanoseconds: 0)
    func judged(_ cookies: ClosedRange<UInt64>) -> Int {
      table.beginPass(at: at)
      at = at + .milliseconds(250)
      return cookies.reduce(0) { count, cookie in
        var one = connection(sent: 9, received: 5)
        one.tcpInfo?.segments = .init(received: 1, sent: 1, largest: 1448)
        one.cookie = cookie
        return table.look(one, at: at) == nil ? count : count + 1
      }
    }
    #expect(judged(1...150) == 100)
    #expect(judged(1...150) == 100)
    // Those not seen in two passes give way.
    #expect(judged(1001...1150) == 0)
    #expect(judged(1001...1150) == 0)
    #expect(judged(1001...1150) == 100)
    #expect(judged(1041...1060) == 20)
  }

  @Test func `byte and segment counts may grow by any amount without a trap`() {
    var scenario = Story(.https)
    scenario.exchange(300, 1, 1200, 1)
    for _ in 0..<4 {
      scenario.exchange(UInt64(Int32.max), 65_535, UInt64(Int32.max), 65_535, receiveAge: 60, sendAge: 80)
      scenario.exchange(UInt64(UInt32.max), 65_535, 40_000, 1, receiveAge: 60, sendAge: 80)
      scenario.exchange(1, 65_535, 1, 65_535, receiveAge: 60, sendAge: 80)
    }
    #expect(scenario.judgment != nil)
  }

  @Test func `ages of any length are recorded without a trap`() {
    for age in [0, 1_000_000_000, Int(UInt32.max)] {
      for other in [0, Int(UInt32.max)] {
        var table = ConnectionTable()
        for step in 0..<3 {
          let now = Instant(nanoseconds: 0) + .milliseconds(step * 250)
          var one = connection(
            sent: age, received: other, bytes: UInt64(step) * UInt64(UInt32.max), answered: .max - UInt64(step))
          one.tcpInfo?.segments = .init(received: .max - UInt32(step), sent: .max, largest: .max)
          one.cookie = 1
          table.beginPass(at: now)
          #expect(table.look(one, at: now) != nil)
        }
      }
    }
  }
}
