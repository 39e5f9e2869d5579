import CPlatform
import Supervision
import Testing

@testable import Platform

/// What the kernel tells about closed sockets, and up to when it has.
@Suite struct ClosedConnectionsTests {
  private let listener: Listener
  private let ports: Ordered<UInt16>

  init() throws {
    listener = try Listener()
    var ports = Ordered<UInt16>()
    ports.insert(listener.port)
    self.ports = ports
  }

  /// Waits for the marker that is under way, or is dropped now.
  private func waitForMarker(_ closed: ClosedConnections) {
    let asked = monotonicTime()
    while closed.toldUntil.map({ $0 < asked }) ?? true {
      closed.beginPass()
      while closed.step(ports) {}
      closed.endPass()
      usleep(1000)
    }
  }

  @Test func moreClosesThanThereIsRoomFor() throws {
    let closed = ClosedConnections(room: 0)  // the kernel's least: some messages
    #expect(!closed.hasMissed)
    for _ in 0..<50 {
      let conversation = try Conversation(listener)
      conversation.closeServer()
    }
    closed.beginPass()
    while !closed.hasMissed { _ = closed.step(ports) }
    while closed.step(ports) {}
    #expect(closed.count < 50)
    // The marker may have been among those: another one takes its place.
    closed.endPass()
    waitForMarker(closed)
    #expect(!closed.hasMissed)
  }

  @Test func aMarkerThatThereIsNoRoomForIsDroppedAnew() throws {
    let closed = ClosedConnections(room: 0)
    waitForMarker(closed)
    let witness = ClosedConnections()
    closed.beginPass()
    while closed.step(ports) {}
    try makeShortConnections(50, listener)
    while witness.count < 50, !witness.hasMissed { _ = witness.step(ports) }
    closed.endPass()
    waitForMarker(closed)
    waitForMarker(closed)
  }

  @Test func moreClosesThanAPassTakes() throws {
    let closed = ClosedConnections()
    waitForMarker(closed)
    closed.beginPass()
    var made = 0
    while made < 8000, !closed.hasMissed {  // a few at a time: the room is what the system allows
      try makeShortConnections(50, listener)
      made += 50
      while closed.step(ports) {}
    }
    #expect(closed.hasMissed)
    guard made > 3000 else { return }  // a busy machine: there was no room for those of one moment
    closed.endPass()
    #expect(closed.hasMissed)  // those that it has left there
    waitForMarker(closed)
    #expect(!closed.hasMissed)
  }

  @Test func manyPassesWithoutACloseMissNothing() {
    let closed = ClosedConnections()
    for _ in 0..<5000 {
      closed.beginPass()
      while closed.step(ports) {}
      closed.endPass()
    }
    #expect(!closed.hasMissed)
  }

  @Test func aPortThatIsFoundLate() throws {
    let late = try Listener()
    let closed = ClosedConnections()
    waitForMarker(closed)
    var both = ports
    both.insert(late.port)
    _ = closed.step(both)
    try makeShortConnections(3, late)
    while closed.count < 3 { _ = closed.step(both) }
    #expect(closed.count == 3)
  }

  /// More than the kernel's filter is asked for.
  @Test func aThousandPorts() throws {
    let other = try Listener()
    var many = ports
    for port in 1...1100 as ClosedRange<UInt16> { many.insert(port) }
    let closed = ClosedConnections()
    _ = closed.step(many)
    try makeShortConnections(5, other)
    try makeShortConnections(5, listener)
    let asked = monotonicTime()
    var hasMissed = false  // where other tests' sockets take the room
    while closed.toldUntil.map({ $0 < asked }) ?? true {
      closed.beginPass()
      while closed.step(many) {}
      hasMissed = hasMissed || closed.hasMissed
      closed.endPass()
    }
    #expect(closed.count == 5 || hasMissed && closed.count < 5)
  }

  /// Else a kernel that tells later than the next pass would never be heard.
  @Test func theFirstMarkerIsWaitedFor() {
    let closed = ClosedConnections()
    let dropped = monotonicTime()
    closed.endPass()
    while closed.toldUntil == nil { _ = closed.step(ports) }
    #expect(closed.toldUntil.map { $0 <= dropped } == true)
  }

  @Test func theYoungestByteOfSeveralCloses() throws {
    let closed = ClosedConnections()
    waitForMarker(closed)
    let old = try Conversation(listener)
    try old.exchange()
    usleep(500_000)
    let young = try Conversation(listener)
    try young.exchange()
    for one in [young, old] {
      one.closeServer()
      one.closeClient()
    }
    while closed.count < 2 { _ = closed.step(ports) }
    #expect(try #require(closed.sinceReceived) < .milliseconds(500))
  }

  @Test func closesOfOthersTakeNoRoom() throws {
    let closed = ClosedConnections(room: 128 << 10)  // for some hundreds of messages
    waitForMarker(closed)
    let other = try Listener()
    var others = Ordered<UInt16>()
    others.insert(other.port)
    let witness = ClosedConnections()
    try makeShortConnections(600, other)
    while witness.count < 600, !witness.hasMissed { _ = witness.step(others) }
    closed.beginPass()
    while closed.step(ports) {}
    #expect(!closed.hasMissed)
    waitForMarker(closed)
    #expect(!closed.hasMissed && closed.count == 0)
  }

  private func makeShortConnections(_ count: Int, _ listener: Listener) throws {
    for _ in 0..<count {
      let client = try listener.connect()
      CPlatform.close(try #require(try acceptConnection(from: listener.socket)))
      CPlatform.close(client)
    }
  }

  @Test func allIsCountedUpToTheMarker() throws {
    let closed = ClosedConnections()
    waitForMarker(closed)
    for count in 1...20 {
      let conversation = try Conversation(listener)
      try conversation.exchange()
      conversation.closeServer()
      conversation.closeClient()
      let before = monotonicTime()
      waitForMarker(closed)
      #expect(closed.count == count && closed.toldUntil.map { $0 >= before } == true)
    }
  }

  /// The kernel may tell of it when somebody listens already.
  @Test func whatWasClosedBeforeIsNoNews() throws {
    let other = try Listener()
    for _ in 0..<5 {
      let conversation = try Conversation(listener)
      try conversation.exchange()
      tick()
      try makeShortConnections(300, other)  // of which it has to tell first
      conversation.closeClient()
      wait(conversation.server, POLLIN)
      conversation.closeServer()
      let closed = ClosedConnections()
      waitForMarker(closed)
      #expect(closed.count == 0)
    }
  }
}
