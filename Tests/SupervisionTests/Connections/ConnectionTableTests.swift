import Testing

@testable import Supervision

/// What several looks at a connection say together.
@Suite struct ConnectionTableTests {
  /// A connection that is looked at each 250 ms, from a moment on when it is not there yet.
  private struct Story {
    private var table: ConnectionTable
    private(set) var now = Instant(nanoseconds: 0)
    private var connection: Connection
    private(set) var judgment: Judgment?

    init(_ speaks: PortProtocol? = nil, largestSegment: UInt32 = 65_483) {
      table = ConnectionTable(given: [Port(443, speaks: speaks)])
      var ages = Connection.Ages(
        sent: .zero, received: .zero, acknowledged: .zero, bytesReceived: 0, bytesAcknowledged: 0)
      ages.segments = .init(received: 0, sent: 0, largest: largestSegment)
      connection = Connection(
        state: .established, localPort: 443, peer: SocketAddress(.loopback4, port: 1), receiveQueue: 0, sendQueue: 0,
        inode: 1, ages: ages)
      connection.cookie = 9
      table.beginPass(at: now)
    }

    /// So many bytes in so many segments go each way, shortly before the next look; ages in milliseconds.
    mutating func exchange(
      _ received: UInt64 = 0, _ segmentsIn: UInt32 = 1, _ sent: UInt64 = 0, _ segmentsOut: UInt32 = 1,
      heard: Int = 100, said: Int = 100, acknowledged: Int = 100
    ) {
      next()
      guard var ages = connection.ages, var segments = ages.segments else { return }
      ages.bytesReceived += received
      ages.bytesAcknowledged += sent
      if received > 0 {
        segments.received += segmentsIn
        ages.received = .milliseconds(heard)
      }
      if sent > 0 {
        segments.sent += segmentsOut
        ages.sent = .milliseconds(said)
      }
      ages.acknowledged = .milliseconds(acknowledged)
      ages.segments = segments
      connection.ages = ages
      look()
    }

    mutating func wait(seconds: Int) {
      for _ in 0..<(seconds * 4) {
        next()
        look()
      }
    }

    private mutating func next() {
      let pause = Span.milliseconds(250)
      now = now + pause
      guard var ages = connection.ages else { return }
      ages.received = ages.received + pause
      ages.sent = ages.sent + pause
      ages.acknowledged = ages.acknowledged + pause
      connection.ages = ages
    }

    private mutating func look() {
      table.beginPass(at: now)
      judgment = table.look(connection, at: now)
    }

    var isOwed: Bool { judgment?.isOwed ?? false }
    var `class`: ConnectionClass { connection.class(quiet: .seconds(2), judgment) }

    /// A handshake with a certificate, the first request and its answer.
    mutating func answerInTLS() {
      exchange(530, 5, 1600, 5)
      wait(seconds: 1)
      exchange(61, 1, 152, 1)
    }
  }

  @Test func aRequestOfOneSegmentAndItsAnswerAreOver() {
    var story = Story()
    story.exchange(120, 1, 1500, 2)
    #expect(!story.isOwed)
    story.wait(seconds: 2)
    #expect(story.class == .idle)
  }

  @Test func aRequestThatIsNotAnsweredIsOwedForEver() {
    var story = Story()
    story.exchange(120)
    story.wait(seconds: 300)
    #expect(story.class == .owedResponse)
    story.exchange(0, 0, 400, 1)
    #expect(!story.isOwed)
  }

  @Test func theTicketsOfATLSServerAreNoAnswerForAMinute() {
    var story = Story()
    story.exchange(446, 3, 1895, 3)
    story.wait(seconds: 58)
    #expect(story.class == .owedResponse)
    story.wait(seconds: 2)
    #expect(story.class == .idle)
  }

  @Test func theAnswerAfterTheTicketsEndsThat() {
    var story = Story()
    story.exchange(446, 3, 1895, 3)
    story.wait(seconds: 3)
    story.exchange(0, 0, 152, 1)
    #expect(!story.isOwed)
  }

  @Test func ofTLS12TheLoneLastSegmentIsTheAnswer() {
    var story = Story()
    story.exchange(478, 3, 1439, 3, acknowledged: 56)
    #expect(!story.isOwed)
    // A certificate that fills more than a segment: one of the three may be a ticket.
    var small = Story(largestSegment: 1448)
    small.exchange(478, 3, 1700, 3, acknowledged: 56)
    #expect(small.isOwed)
  }

  @Test func whereAPortSendsTwoTicketsTheLoneSegmentMayBeOne() {
    var table = ConnectionTable()
    func judge(_ cookie: UInt64, acknowledged: Int) -> Judgment? {
      var one = connection(sent: 200, received: 200, bytes: 478, answered: 1439)
      one.ages?.acknowledged = .milliseconds(acknowledged)
      one.ages?.segments = .init(received: 3, sent: 3, largest: 65_483)
      one.cookie = cookie
      return table.look(one, at: Instant(nanoseconds: 0))
    }
    for _ in 0..<2 { table.beginPass(at: Instant(nanoseconds: 0)) }
    #expect(judge(1, acknowledged: 156)?.isOwed == false)
    #expect(judge(2, acknowledged: 200)?.isOwed == true)
    #expect(judge(1, acknowledged: 156)?.isOwed == true)
  }

  @Test func aPortWhoseConnectionsBeginWithARequestHasNoTickets() {
    var story = Story(.http)
    story.exchange(446, 3, 1895, 3)
    #expect(!story.isOwed)
    var found = Story()
    found.exchange(120, 1, 1500, 2)
    found.wait(seconds: 1)
    found.exchange(330, 2, 1000, 2)
    #expect(!found.isOwed)
  }

  @Test func theSettingsOfAnHTTP2ServerAreNoAnswer() {
    for given in [nil, .grpc, .h2c] as [PortProtocol?] {
      var story = Story(given)
      story.exchange(364, 4, 72, 3)
      #expect(story.isOwed)
    }
    var redis = Story()  // each command has its answer
    redis.exchange(160, 3, 20, 3)
    #expect(!redis.isOwed)
  }

  @Test func anUploadIsNoHandshake() {
    var story = Story()
    for _ in 0..<4 { story.exchange(20_000, 2, 0, 0) }
    #expect(story.isOwed)
    story.exchange(20_000, 1, 64, 1)
    #expect(!story.isOwed)
  }

  @Test(arguments: [(99, 2, 35), (72, 1, 35), (99, 2, 48)] as [(UInt64, UInt32, UInt64)])
  func aWindowUpdateIsNoAnswer(received: UInt64, segments: UInt32, sent: UInt64) {
    var story = Story()
    story.answerInTLS()
    #expect(!story.isOwed)
    story.exchange(received, segments, sent, 1)
    story.wait(seconds: 60)
    #expect(story.class == .owedResponse)
  }

  @Test func aPingOfTheServerIsNoAnswer() {
    var story = Story(.grpc)
    story.exchange(364, 4, 72, 3)
    story.wait(seconds: 1)
    story.exchange(0, 0, 180, 2)
    story.exchange(83, 2, 17, 1)
    #expect(story.class == .owedResponse)
  }

  @Test func norIsAPingWithAWindowUpdateAfterIt() {
    var story = Story()
    story.exchange(412, 3, 229, 5)
    story.wait(seconds: 1)
    story.exchange(80, 2, 17, 1)
    story.exchange(17, 1, 30, 1)
    story.wait(seconds: 3)
    #expect(story.class == .owedResponse)
  }

  @Test func nothingOfThatEndsAFirstRequest() {
    for said in [100, 112] {
      var story = Story()
      story.exchange(378, 4, 72, 3, heard: 100, said: said)
      story.wait(seconds: 1)
      story.exchange(17, 1, 30, 1)
      story.wait(seconds: 3)
      #expect(story.class == .owedResponse)
    }
  }

  @Test func pingsDoNotEndTheDoubtOfTheFirstExchange() {
    var story = Story()
    story.exchange(364, 4, 72, 3)
    story.wait(seconds: 1)
    for _ in 0..<8 { story.exchange(17, 1, 17, 1, heard: 100, said: 100, acknowledged: 56) }
    #expect(story.class == .owedResponse)
  }

  @Test(arguments: [(17, 17), (39, 39), (10, 6), (6, 2), (32, 28)] as [(UInt64, UInt64)])
  func pingsAreNoTraffic(received: UInt64, sent: UInt64) {
    var story = Story()
    story.exchange(120, 1, 200, 1)
    story.wait(seconds: 2)
    for _ in 0..<4 {
      story.exchange(received, 1, sent, 1, heard: 100, said: 112)
      #expect(story.class == .idle)
      // In two looks the same.
      story.exchange(0, 0, sent, 1)
      story.exchange(received, 1, 0, 0)
      #expect(story.class == .idle)
      story.wait(seconds: 1)
    }
    #expect(story.judgment.map { $0.sinceHeard > .seconds(6) } ?? false)
  }

  @Test func pingsAnswerNoRequest() {
    var story = Story(.ws)
    story.exchange(200, 1, 129, 1)
    story.wait(seconds: 1)
    story.exchange(13)
    for _ in 0..<4 {
      story.exchange(10, 1, 6, 1)
      story.exchange(10)
      story.exchange(0, 0, 6, 1)
      #expect(story.class == .owedResponse)
    }
    story.exchange(0, 0, 40, 1)
    #expect(!story.isOwed)
  }

  @Test func aPongAnswersNoMessageThatCameWithThePing() {
    var story = Story()
    story.exchange(200, 1, 129, 1)
    story.wait(seconds: 1)
    story.exchange(10, 1, 6, 1)
    story.exchange(21, 2, 6, 1)
    story.wait(seconds: 3)
    #expect(story.class == .owedResponse)
    story.exchange(10, 1, 10, 2)
    #expect(!story.isOwed)
    story.exchange(11, 1, 6, 1)  // a message and its answer
    #expect(!story.isOwed)
  }

  @Test func aPingWithAWindowUpdateIsKnownByTheNextPing() {
    var story = Story()
    story.exchange(429, 6, 314, 6)
    story.wait(seconds: 1)
    story.exchange(30, 1, 17, 1, heard: 100, said: 112)
    #expect(story.isOwed)
    story.exchange(17, 1, 17, 1, heard: 100, said: 112)
    #expect(!story.isOwed)
  }

  @Test func theSizeOfAPingMakesNoRequestAnAnsweredOne() {
    var story = Story()
    story.exchange(120, 1, 200, 1)
    story.wait(seconds: 2)
    story.exchange(17)
    story.wait(seconds: 30)
    #expect(story.class == .owedResponse)
  }

  @Test func theInterimAnswerIsNone() {
    var story = Story()
    story.exchange(160, 1, 25, 1)
    story.wait(seconds: 4)
    #expect(story.class == .owedResponse)
    story.exchange(5000, 4, 0, 0)
    story.exchange(0, 0, 120, 1)
    #expect(!story.isOwed)
  }

  @Test func whatFollowsALargeAnswerIsAWindowUpdate() {
    var story = Story()
    story.answerInTLS()
    story.exchange(881, 14, 200_772, 22, heard: 64, said: 80)
    #expect(story.isOwed)
    story.wait(seconds: 3)
    #expect(story.class == .idle)
    // HTTP/1.1: a second request.
    var plain = Story()
    plain.exchange(120, 1, 1500, 2)
    plain.wait(seconds: 1)
    plain.exchange(240, 2, 200_772, 22, heard: 64, said: 80)
    plain.wait(seconds: 30)
    #expect(plain.class == .owedResponse)
  }

  @Test func onAPortOfAnyOtherProtocolTheAgesDecide() {
    var story = Story(.tcp)
    story.exchange(446, 3, 1895, 3)
    #expect(story.judgment == nil)
    #expect(story.class == .activeStream)
  }

  @Test func theTableIsBounded() {
    #expect(ConnectionTable.recordSize <= 64)
    var table = ConnectionTable(mostRecords: 100)
    var at = Instant(nanoseconds: 0)
    func judged(_ cookies: ClosedRange<UInt64>) -> Int {
      table.beginPass(at: at)
      at = at + .milliseconds(250)
      return cookies.reduce(0) { count, cookie in
        var one = connection(sent: 9, received: 5)
        one.ages?.segments = .init(received: 1, sent: 1, largest: 1448)
        one.cookie = cookie
        return table.look(one, at: at) == nil ? count : count + 1
      }
    }
    #expect(judged(1...150) == 100)
    #expect(judged(1...150) == 100)
    // Those that are gone give way, in two passes.
    #expect(judged(1001...1150) == 0)
    #expect(judged(1001...1150) == 0)
    #expect(judged(1001...1150) == 100)
    #expect(judged(1041...1060) == 20)
  }

  @Test func countsThatGrowByAnythingAreNoTrap() {
    var story = Story(.https)
    story.exchange(300, 1, 1200, 1)
    for _ in 0..<4 {
      story.exchange(UInt64(Int32.max), 65_535, UInt64(Int32.max), 65_535, heard: 60, said: 80)
      story.exchange(UInt64(UInt32.max), 65_535, 40_000, 1, heard: 60, said: 80)
      story.exchange(1, 65_535, 1, 65_535, heard: 60, said: 80)
    }
    #expect(story.judgment != nil)
  }

  @Test func agesOfAnyLengthAreNoTrap() {
    for age in [0, 1_000_000_000, Int(UInt32.max)] {
      for other in [0, Int(UInt32.max)] {
        var table = ConnectionTable()
        for step in 0..<3 {
          let now = Instant(nanoseconds: 0) + .milliseconds(step * 250)
          var one = connection(
            sent: age, received: other, bytes: UInt64(step) * UInt64(UInt32.max), answered: .max - UInt64(step))
          one.ages?.segments = .init(received: .max - UInt32(step), sent: .max, largest: .max)
          one.cookie = 1
          table.beginPass(at: now)
          #expect(table.look(one, at: now) != nil)
        }
      }
    }
  }
}
