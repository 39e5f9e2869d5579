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

  /// Of more than there is room for the kernel drops all until the queue has been emptied, which takes several passes.
  @Test func moreClosesThanOnePassTakes() throws {
    let closed = ClosedConnections(room: 128 << 10, mostInAPass: 64)
    waitForMarker(closed)
    for _ in 0..<5 {
      for _ in 0..<1000 { CPlatform.close(ebb_tcp_socket(AF_INET)) }
      usleep(100_000)  // in which the kernel tells of most of them: there is no room when the first pass begins
      waitForMarker(closed)
    }
    waitForMarker(closed)
    #expect(!closed.hasMissed && closed.count == 0)
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
