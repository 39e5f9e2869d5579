import CPlatform
import Testing

@testable import Platform
@testable import Primitives

/// What the kernel tells about closed sockets, and up to when it has.
@Suite struct ClosedSocketMonitorTests {
  private let listener: Listener
  private let ports: SortedSet<UInt16>

  init() throws {
    listener = try Listener()
    var ports = SortedSet<UInt16>()
    ports.insert(listener.port)
    self.ports = ports
  }

  /// A pass up to its end, which the test then asks for.
  private func take(_ closed: ClosedSocketMonitor) {
    closed.beginPass()
    while closed.step(ports) {}
  }

  /// Waits for the marker that is under way, or is dropped now.
  private func waitForMarker(_ closed: ClosedSocketMonitor) throws {
    let asked = monotonicTime()
    try wait(for: "the marker") {
      take(closed)
      closed.endPass()
      return closed.completeUntil.map { $0 >= asked } == true
    }
  }

  /// Waits for a pass that has missed nothing: markers of other tests take room too.
  private func waitForWholePass(_ closed: ClosedSocketMonitor) throws {
    try wait(for: "a pass without a miss") {
      take(closed)
      defer { closed.endPass() }
      return !closed.mayHaveMissedEvents
    }
  }

  @Test func `a full receive buffer is reported as missed close events`() throws {
    let closed = ClosedSocketMonitor(room: 0)  // the kernel's least: some messages
    #expect(!closed.mayHaveMissedEvents)
    try listener.makeShortConnectionsThatAreTold(50)
    take(closed)
    #expect(closed.mayHaveMissedEvents && closed.count < 50)
    // The marker may have been among those: another one takes its place.
    closed.endPass()
    try waitForMarker(closed)
    try waitForWholePass(closed)
  }

  @Test func `a marker lost in a full receive buffer is sent again`() throws {
    let closed = ClosedSocketMonitor(room: 0)
    try waitForMarker(closed)
    take(closed)
    try listener.makeShortConnectionsThatAreTold(50)
    closed.endPass()
    try waitForMarker(closed)
    try waitForMarker(closed)
  }

  @Test func `close events beyond the limit of a pass are reported as missed and counted later`() throws {
    let closed = ClosedSocketMonitor(maxMessagesPerPass: 64)
    try waitForMarker(closed)
    try listener.makeShortConnectionsThatAreTold(100)
    take(closed)
    #expect(closed.mayHaveMissedEvents && closed.count < 100)
    closed.endPass()
    #expect(closed.mayHaveMissedEvents)  // those that it has left there
    try waitForMarker(closed)
    try waitForWholePass(closed)
    #expect(closed.count == 100)
  }

  /// Of more than there is room for the kernel drops all until the queue has been emptied, which takes several passes;
  /// of a marker that is dropped among them it says nothing.
  @Test func `the monitor recovers from a receive buffer that overflows in several passes`() throws {
    let closed = ClosedSocketMonitor(room: 128 << 10, maxMessagesPerPass: 64)
    for _ in 0..<3 {
      try waitForMarker(closed)
      try listener.makeShortConnectionsThatAreTold(500)
    }
    try waitForMarker(closed)
    try waitForWholePass(closed)
    #expect(closed.count < 1500)
  }

  @Test func `3000 passes without a close report no missed event`() throws {
    let closed = ClosedSocketMonitor(maxMessagesPerPass: 1000)
    try waitForWholePass(closed)
    for _ in 0..<3000 {
      closed.beginPass()
      while closed.step(ports) {}
      #expect(!closed.mayHaveMissedEvents)
      closed.endPass()
    }
  }

  @Test func `closes on a port that is added later are counted`() throws {
    let late = try Listener()
    let closed = ClosedSocketMonitor()
    try waitForMarker(closed)
    var both = ports
    both.insert(late.port)
    _ = closed.step(both)
    try late.makeShortConnectionsThatAreTold(3)
    try wait(for: "three connections") {
      _ = closed.step(both)
      return closed.count >= 3
    }
    #expect(closed.count == 3)
  }

  /// More than the kernel's filter is asked for.
  @Test func `closes are counted with more ports than the kernel's filter takes`() throws {
    let other = try Listener()
    var many = ports
    for port in 1...1100 as ClosedRange<UInt16> { many.insert(port) }
    let closed = ClosedSocketMonitor()
    _ = closed.step(many)
    try other.makeShortConnectionsThatAreTold(5)
    try listener.makeShortConnectionsThatAreTold(5)
    let asked = monotonicTime()
    var hasMissed = false  // where other tests' sockets take the room
    try wait(for: "the marker") {
      closed.beginPass()
      while closed.step(many) {}
      hasMissed = hasMissed || closed.mayHaveMissedEvents
      closed.endPass()
      return closed.completeUntil.map { $0 >= asked } == true
    }
    #expect(closed.count == 5 || hasMissed && closed.count < 5)
  }

  /// Else a kernel that tells later than the next pass would never be heard.
  @Test func `the first marker stays pending across passes until its event arrives`() throws {
    // Others' sockets may take its room, until a port is known.
    try wait(for: "a try without a miss") {
      let closed = ClosedSocketMonitor()
      let dropped = monotonicTime()
      closed.endPass()
      try wait(for: "the marker") {
        _ = closed.step(ports)
        return closed.completeUntil != nil || closed.mayHaveMissedEvents
      }
      guard let told = closed.completeUntil else { return false }
      #expect(told <= dropped)
      return true
    }
  }

  @Test func `the age of the last byte is that of the youngest of several closed connections`() throws {
    let closed = ClosedSocketMonitor()
    try waitForMarker(closed)
    let old = try ConnectionPair(listener)
    try old.exchange()
    usleep(500_000)
    let youngBegun = monotonicTime()
    let young = try ConnectionPair(listener)
    try young.exchange()
    for one in [young, old] {
      one.closeServer()
      one.closeClient()
    }
    try wait(for: "two connections") {
      _ = closed.step(ports)
      return closed.count == 2
    }
    // The kernel takes the age when it tells.
    #expect(try #require(closed.sinceReceived) <= monotonicTime() - youngBegun)
  }

  /// Markers of other tests do take it, so not each try has to succeed.
  @Test func `closes on other ports do not fill the receive buffer`() throws {
    let other = try Listener()
    try wait(for: "a try without a miss") {
      let closed = ClosedSocketMonitor(room: 128 << 10)  // for some hundreds of messages
      try waitForMarker(closed)
      try other.makeShortConnectionsThatAreTold(600)
      closed.beginPass()
      while closed.step(ports) {}
      #expect(closed.count == 0)
      return !closed.mayHaveMissedEvents
    }
  }

  @Test func `every close before the marker is counted when its event arrives`() throws {
    let closed = ClosedSocketMonitor()
    try waitForMarker(closed)
    try Machine.onOneProcessor {
      for count in 1...20 {
        let conversation = try ConnectionPair(listener)
        try conversation.exchange()
        conversation.resetServer()
        let before = monotonicTime()
        try waitForMarker(closed)
        #expect(closed.count == count && closed.completeUntil.map { $0 >= before } == true)
      }
    }
  }

  /// The kernel may tell of it when somebody listens already.
  @Test func `connections closed before the monitor started are not counted`() throws {
    let other = try Listener()
    let conversations = try (0..<10).map { _ in try ConnectionPair(listener) }
    for conversation in conversations { try conversation.exchange() }
    // What it tells is dated by when that is read: a full machine may take its time.
    sleep(2)
    let hearer = ClosedSocketMonitor()  // else it would tell nothing
    try Machine.onOneProcessor {
      for conversation in conversations {
        try other.makeShortConnections(300)  // of which it has to tell first
        conversation.resetServer()
        let closed = ClosedSocketMonitor()
        try waitForMarker(closed)
        #expect(closed.count == 0)
      }
    }
    withExtendedLifetime(hearer) {}
  }
}
