import CPlatform
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

/// Close events of the kernel, and the moment up to which they are complete.
@Suite struct ClosedSocketMonitorTests {
  private let listener: Listener
  private let ports: SortedSet<UInt16>

  init() throws {
    listener = try Listener()
    var ports = SortedSet<UInt16>()
    ports.insert(listener.port)
    self.ports = ports
  }

  /// Runs a pass up to its end, which the test then requests.
  private func take(_ closed: ClosedSocketMonitor) {
    closed.beginPass()
    while closed.step(ports) {}
  }

  /// Waits for the event of the current or next marker.
  private func waitForMarker(_ closed: ClosedSocketMonitor) throws {
    let asked = monotonicTime()
    try Clock.wait(for: "the marker") {
      take(closed)
      closed.endPass()
      return closed.completeUntil.map { $0 >= asked } == true
    }
  }

  /// Waits for a pass without a missed event, because markers of other tests also use the receive buffer.
  private func waitForWholePass(_ closed: ClosedSocketMonitor) throws {
    try Clock.wait(for: "a pass without a miss") {
      take(closed)
      defer { closed.endPass() }
      return !closed.mayHaveMissedEvents
    }
  }

  @Test func `a full receive buffer is reported as missed close events`() throws {
    let closed = ClosedSocketMonitor(room: 0)  // the kernel's minimum: some messages
    #expect(!closed.mayHaveMissedEvents)
    try listener.makeReportedShortConnections(50)
    take(closed)
    #expect(closed.mayHaveMissedEvents)
    #expect(closed.count < 50)
    // The marker's event may be among the lost ones. Then another marker replaces it.
    closed.endPass()
    try waitForMarker(closed)
    try waitForWholePass(closed)
  }

  @Test func `a marker lost in a full receive buffer is sent again`() throws {
    let closed = ClosedSocketMonitor(room: 0)
    try waitForMarker(closed)
    take(closed)
    try listener.makeReportedShortConnections(50)
    closed.endPass()
    try waitForMarker(closed)
    try waitForMarker(closed)
  }

  @Test func `close events beyond the limit of a pass are reported as missed and counted later`() throws {
    let closed = ClosedSocketMonitor(maxMessagesPerPass: 64)
    try waitForMarker(closed)
    try listener.makeReportedShortConnections(100)
    take(closed)
    #expect(closed.mayHaveMissedEvents)
    #expect(closed.count < 100)
    closed.endPass()
    #expect(closed.mayHaveMissedEvents)  // the events that the pass has left in the buffer
    try waitForMarker(closed)
    try waitForWholePass(closed)
    #expect(closed.count == 100)
  }

  /// When the receive buffer is full, the kernel drops events until it has been emptied, which takes several passes. It
  /// does not report that a marker's event was dropped.
  @Test func `the monitor recovers from a receive buffer that overflows in several passes`() throws {
    let closed = ClosedSocketMonitor(room: 128 << 10, maxMessagesPerPass: 64)
    for _ in 0..<3 {
      try waitForMarker(closed)
      try listener.makeReportedShortConnections(500)
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
    try late.makeReportedShortConnections(3)
    try Clock.wait(for: "three connections") {
      _ = closed.step(both)
      return closed.count >= 3
    }
    #expect(closed.count == 3)
  }

  /// More ports than the kernel's filter accepts.
  @Test func `closes are counted with more ports than the kernel's filter takes`() throws {
    let other = try Listener()
    var many = ports
    for port in 1...1100 as ClosedRange<UInt16> { many.insert(port) }
    let closed = ClosedSocketMonitor()
    _ = closed.step(many)
    try other.makeReportedShortConnections(5)
    try listener.makeReportedShortConnections(5)
    let asked = monotonicTime()
    var hasMissed = false  // if sockets of other tests fill the buffer
    try Clock.wait(for: "the marker") {
      closed.beginPass()
      while closed.step(many) {}
      hasMissed = hasMissed || closed.mayHaveMissedEvents
      closed.endPass()
      return closed.completeUntil.map { $0 >= asked } == true
    }
    #expect(closed.count == 5 || hasMissed && closed.count < 5)
  }

  /// Otherwise a kernel that reports the marker after the next pass would never complete one.
  @Test func `the first marker stays pending across passes until its event arrives`() throws {
    // Until a port is known, sockets of other tests may fill the receive buffer.
    try Clock.wait(for: "a try without a miss") {
      let closed = ClosedSocketMonitor()
      let dropped = monotonicTime()
      closed.endPass()
      try Clock.wait(for: "the marker") {
        _ = closed.step(ports)
        return closed.completeUntil != nil || closed.mayHaveMissedEvents
      }
      guard let completeUntil = closed.completeUntil else { return false }
      #expect(completeUntil <= dropped)
      return true
    }
  }

  @Test func `the age of the last byte is that of the youngest of several closed connections`() throws {
    let closed = ClosedSocketMonitor()
    try waitForMarker(closed)
    let old = try ConnectionPair(listener)
    try old.exchange()
    usleep(500_000)  // not a wait for a condition: the age of the older connection
    let youngBegun = monotonicTime()
    let young = try ConnectionPair(listener)
    try young.exchange()
    for one in [young, old] {
      one.closeServer()
      one.closeClient()
    }
    try Clock.wait(for: "two connections") {
      _ = closed.step(ports)
      return closed.count == 2
    }
    // The kernel determines the age when it sends the event.
    #expect(try #require(closed.sinceReceived) <= monotonicTime() - youngBegun)
  }

  /// Markers of other tests do fill it, so a try may fail.
  @Test func `closes on other ports do not fill the receive buffer`() throws {
    let other = try Listener()
    try Clock.wait(for: "a try without a miss") {
      let closed = ClosedSocketMonitor(room: 128 << 10)  // room for some hundreds of messages
      try waitForMarker(closed)
      try other.makeReportedShortConnections(600)
      closed.beginPass()
      while closed.step(ports) {}
      #expect(closed.count == 0)
      return !closed.mayHaveMissedEvents
    }
  }

  @Test func `every close before the marker is counted when its event arrives`() throws {
    let closed = ClosedSocketMonitor()
    try waitForMarker(closed)
    try onOneProcessor {
      for count in 1...20 {
        let pair = try ConnectionPair(listener)
        try pair.exchange()
        pair.resetServer()
        let before = monotonicTime()
        try waitForMarker(closed)
        #expect(closed.count == count)
        #expect(closed.completeUntil.map { $0 >= before } == true)
      }
    }
  }

  /// The kernel may send the event after a new monitor has started.
  @Test func `connections closed before the monitor started are not counted`() throws {
    let other = try Listener()
    let pairs = try (0..<10).map { _ in try ConnectionPair(listener) }
    for pair in pairs { try pair.exchange() }
    // Not a wait for a condition: an event is dated by the moment it is read, so the connections must be older than a
    // busy machine's delay.
    sleep(2)
    let hearer = ClosedSocketMonitor()  // without a monitor the kernel sends no events
    try onOneProcessor {
      for pair in pairs {
        try other.makeShortConnections(300)  // the kernel sends these events first
        pair.resetServer()
        let closed = ClosedSocketMonitor()
        try waitForMarker(closed)
        #expect(closed.count == 0)
      }
    }
    withExtendedLifetime(hearer) {}
  }
}
