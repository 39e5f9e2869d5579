import LifecycleModel
import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// Decisions from single samples, which a whole stop seldom reaches. Times are milliseconds since the stop signal.
@Suite struct TrafficMonitorTests {
  private var traffic = TrafficMonitor(mode: .idle, quiet: .seconds(2), since: .at(0))

  private mutating func add(_ sample: ConnectionSample, at milliseconds: Int) {
    traffic.add(sample, at: .at(milliseconds))
  }
  private func nextPass(after milliseconds: Int) -> Int {
    (traffic.nextPass(after: .at(milliseconds)) - .at(milliseconds)).milliseconds
  }

  /// A sample with missed close events, whose PassiveOpens counter counts the whole network namespace.
  private func missed(opens: Int?, _ connections: Connection..., closed: Int = 0) -> ConnectionSample {
    var sample = sample(closed: closed)
    for connection in connections { sample.counts.add(connection, quiet: .seconds(2)) }
    (sample.missedCloses, sample.passiveOpens) = (true, opens)
    return sample
  }

  // MARK: Unknown counts

  /// Also if the ports are given and only the count is unknown.
  @Test(arguments: [DrainMode.idle, .zero])
  mutating func `connections that cannot be counted end no drain and have no count`(_ mode: DrainMode) {
    for listeners in [ConnectionSample.PortSource.unknown, .uncountable, .given] {
      traffic = TrafficMonitor(mode: mode, quiet: .seconds(2), since: .at(0))
      var uncounted = sample(listeners: listeners)
      if listeners == .given { uncounted.source = .none }
      add(uncounted, at: 0)
      add(uncounted, at: 60_000)
      #expect(traffic.drainEndReason(at: .at(60_000)) == nil)
      #expect(traffic.inFlightAtStart == nil)
      #expect(traffic.inFlight == nil)
      #expect(uncounted.countFields.isEmpty)
    }
  }

  @Test mutating func `after a failed pass the count is unknown until the next sample`() {
    add(sample(), at: 60_000)
    #expect(traffic.drainEndReason(at: .at(60_000)) == .quiet)
    #expect(traffic.inFlight == 0)
    #expect(traffic.portCount == 1)
    traffic.fail()
    #expect(traffic.drainEndReason(at: .at(60_000)) == nil)
    #expect(traffic.inFlight == nil)
    #expect(traffic.portCount == -1)
    #expect(nextPass(after: 60_000) == 1000)
    add(sample(), at: 61_000)
    #expect(traffic.drainEndReason(at: .at(61_000)) == .quiet)
  }

  // MARK: The next pass

  @Test mutating func `a pass searches for listening sockets a second after the last search that ended`() {
    func looks(_ milliseconds: Int) -> Bool { traffic.beginPass(at: .at(milliseconds)) }
    #expect(looks(0))
    // The first pass was abandoned.
    #expect(looks(250))
    add(sample(), at: 260)
    #expect(!looks(500))
    #expect(!looks(1249))
    #expect(looks(1250))
    add(sample(), at: 2001)
    #expect(!looks(2249))
    add(sample(), at: 2249)
    #expect(looks(2250))
    // An unknown result may be known now.
    add(sample(listeners: .unknown), at: 2251)
    #expect(looks(2500))
    traffic.fail()
    #expect(looks(2750))
    add(sample(), at: 2751)
    #expect(!looks(3000))
  }

  @Test mutating func `in mode idle a pass is due when quiet may be reached, in mode zero it is not`() {
    add(sample(connection(sent: 0, received: 900)), at: 900)
    #expect(nextPass(after: 900) == 250)
    add(sample(connection(sent: 900, received: 1800)), at: 1800)
    #expect(nextPass(after: 1800) == 200)
    // Mode zero ignores the quiet time.
    traffic = TrafficMonitor(mode: .zero, quiet: .seconds(2), since: .at(0))
    add(sample(connection(sent: 900, received: 1800)), at: 1800)
    #expect(nextPass(after: 1800) == 250)
  }

  /// Otherwise it would set the pace for as long as traffic continues.
  @Test mutating func `a short quiet time adds one pass per sampling interval`() {
    for (quiet, cost, interval) in [(20, 1, 250), (249, 1, 250), (300, 6, 1000)] {
      traffic = TrafficMonitor(mode: .idle, quiet: .milliseconds(quiet), since: .at(0))
      var pass = sample(connection(sent: 0, received: 1))
      pass.cost = .milliseconds(cost)
      var now = 1800
      for _ in 0..<3 {
        add(pass, at: now)
        #expect(nextPass(after: now) == quiet - 1)
        now += quiet - 1
        add(pass, at: now)
        #expect(nextPass(after: now) == interval - quiet + 1)
        now += interval - quiet + 1
      }
    }
  }

  /// Only while nothing else is missing.
  @Test mutating func `a pass follows in 20 ms if only the event horizon keeps the drain from ending`() {
    var late = sample(connection(sent: 9000, received: 9001))
    late.eventHorizonAge = .milliseconds(500)
    add(late, at: 2000)
    #expect(traffic.drainEndReason(at: .at(2000)) == nil)
    #expect(nextPass(after: 2000) == 20)
    // The marker's event has not arrived, or only an older one, so there is no hurry.
    late.eventHorizonAge = .milliseconds(520)
    add(late, at: 2020)
    #expect(nextPass(after: 2020) == 50)
    late.eventHorizonAge = .milliseconds(500)
    late.counts.add(connection(sent: 9001, received: 9000), quiet: .seconds(2))
    add(late, at: 2300)
    #expect(nextPass(after: 2300) == 250)
  }

  @Test mutating func `the event horizon never moves back`() {
    add(missed(opens: 0), at: 2000)
    #expect(traffic.drainEndReason(at: .at(2000)) == .quiet)
    var late = sample()
    late.eventHorizonAge = .milliseconds(500)
    add(late, at: 2250)
    #expect(traffic.drainEndReason(at: .at(2250)) == .quiet)
  }

  // MARK: The last byte and the last connection

  /// The connection may be gone in the next sample, and the others are older than the stop.
  @Test mutating func `the last byte of a connection that is gone delays the drain's end`() {
    add(sample(connection(sent: 9000, received: 0)), at: 1000)
    add(sample(connection(sent: 9000, received: 9001), closed: 1), at: 2999)
    #expect(traffic.drainEndReason(at: .at(2999)) == nil)
    #expect(traffic.report.lastRequest == .seconds(1))
    add(sample(connection(sent: 9000, received: 9001), closed: 1), at: 3000)
    #expect(traffic.drainEndReason(at: .at(3000)) == .quiet)
  }

  @Test mutating func `without ages a new connection counts as just arrived`() {
    var silent = sample()
    silent.source = .proc
    add(silent, at: 0)
    silent.closed = 1
    add(silent, at: 4000)
    #expect(traffic.report.lastConnection == .seconds(4))
    #expect(traffic.report.lastRequest == .seconds(4))
  }

  /// A byte received since the last pass may be that connection's; an older one is not.
  @Test mutating func `a connection whose close was missed arrived no later than the last byte`() {
    add(missed(opens: 10, connection(sent: 9000, received: 9001)), at: 3750)
    add(missed(opens: 11, connection(sent: 200, received: 100)), at: 4000)
    #expect(traffic.report.lastConnection == .milliseconds(3900))
    traffic = TrafficMonitor(mode: .idle, quiet: .seconds(2), since: .at(0))
    add(missed(opens: 10, connection(sent: 1, received: 0)), at: 3750)
    add(missed(opens: 11, connection(sent: 251, received: 250)), at: 4000)
    #expect(traffic.report.lastConnection == .seconds(4))
  }

  // MARK: New connections

  /// A connection that a pass has seen is closed, and its event arrives one pass later.
  @Test mutating func `a close event that arrives a pass late is not a new connection`() {
    add(sample(), at: 0)
    add(sample(connection(sent: 5, received: 0)), at: 250)
    add(sample(), at: 500)
    add(sample(closed: 1), at: 750)
    #expect(traffic.newConnections == 1)
  }

  @Test mutating func `connections of several ports that are discovered late are not new`() {
    let old = connection(sent: 9000, received: 9001)
    func onPorts(_ ports: [UInt16], _ count: Int) -> ConnectionSample {
      var sample = sample()
      sample.ports = ports
      for _ in 0..<count { sample.counts.add(old, quiet: .seconds(2)) }
      return sample
    }
    add(onPorts([80], 1), at: 0)
    add(onPorts([80, 443], 6), at: 1000)
    add(onPorts([80, 443, 8443], 9), at: 2000)
    add(onPorts([80, 443, 8443], 9), at: 2250)
    #expect(traffic.newConnections == 0)
    var one = onPorts([80, 443, 8443], 9)
    one.counts.add(connection(sent: 1, received: 0), quiet: .seconds(2))
    add(one, at: 2500)
    #expect(traffic.newConnections == 1)
  }

  @Test mutating func `connections missed in two passes are counted by PassiveOpens`() {
    add(missed(opens: 100), at: 0)
    add(missed(opens: 103), at: 250)
    add(sample(), at: 500)
    add(missed(opens: 103), at: 750)
    add(missed(opens: 107), at: 1000)
    #expect(traffic.newConnections == 7)
    add(sample(closed: 1), at: 1250)
    #expect(traffic.newConnections == 8)
  }

  /// There are more close events than new connections, because older connections closed too.
  @Test mutating func `connections with close events are not counted again by PassiveOpens`() {
    add(missed(opens: 100), at: 0)
    add(missed(opens: 103, closed: 5), at: 250)
    #expect(traffic.newConnections == 5)
    add(sample(closed: 6), at: 500)
    #expect(traffic.newConnections == 6)
  }

  /// ebb subtracts its own connections from the counter, a moment late.
  @Test mutating func `a PassiveOpens counter that falls hides no new connection`() {
    let pooled = connection(sent: 9000, received: 9001)
    add(missed(opens: 100, pooled, pooled), at: 0)
    add(missed(opens: 99), at: 250)  // both closed without an event
    #expect(traffic.newConnections == 0)
    add(sample(connection(sent: 5, received: 0)), at: 500)
    #expect(traffic.newConnections == 1)
  }

  // MARK: The end

  @Test mutating func `mode zero ends without established, half-closed active or waiting connections`() {
    traffic = TrafficMonitor(mode: .zero, quiet: .seconds(2), since: .at(0))
    var closing = connection(sent: 0, received: 5)
    closing.state = .closeWait
    add(sample(closing), at: 0)
    #expect(traffic.drainEndReason(at: .at(0)) == nil)  // its response may continue
    closing = connection(sent: 2000, received: 2005)
    closing.state = .closeWait
    add(sample(closing), at: 2000)
    #expect(traffic.drainEndReason(at: .at(2000)) == .zero)
    // One is in the accept queue, though its own row was not seen.
    var listener = closing
    (listener.state, listener.receiveQueue) = (.listen, 1)
    add(sample(listener), at: 250)
    #expect(traffic.drainEndReason(at: .at(250)) == nil)
  }

  @Test mutating func `mode time never ends by traffic`() {
    traffic = TrafficMonitor(mode: .time, quiet: .seconds(2), since: .at(0))
    add(sample(), at: 60_000)
    #expect(traffic.drainEndReason(at: .at(60_000)) == nil)
    #expect(nextPass(after: 60_000) == 250)
  }

  // MARK: Advice

  /// A pooled connection still had requests, which a shorter delay would have interrupted.
  @Test mutating func `a shorter delay is not advised if requests came later than connections`() {
    add(sample(), at: 1)
    add(sample(connection(sent: 5, received: 0)), at: 600)
    add(sample(connection(sent: 0, received: 5)), at: 5005)
    #expect(traffic.report.advice(delay: .seconds(20)) == nil)
    #expect(traffic.report.advice(delay: .seconds(21)) != nil)
  }

  @Test mutating func `the advised delay is at least 1 s`() {
    add(sample(), at: 0)
    add(sample(connection(sent: 0, received: 0)), at: 0)
    #expect(traffic.report.advice(delay: .seconds(20))?.hasSuffix("--delay 1s is enough") == true)
  }

  /// Connections may have arrived unseen.
  @Test mutating func `a shorter delay is not advised after a failed count, a longer one is`() {
    add(sample(), at: 1)
    add(sample(connection(sent: 5, received: 0)), at: 600)
    #expect(traffic.report.advice(delay: .seconds(20)) != nil)
    traffic.fail()
    var report = traffic.report
    report.wasSteady = false
    #expect(report.advice(delay: .seconds(20)) == nil)
    #expect(report.advice(delay: .milliseconds(700)) != nil)
  }

  // MARK: The log

  @Test func `the log explains how the connections are counted`() {
    func explained(_ source: ConnectionSource, _ listeners: ConnectionSample.PortSource) -> (LogLevel, String) {
      var sample = sample(listeners: listeners)
      sample.source = source
      return sample.explanation
    }
    for (source, listeners, level, part) in [
      (ConnectionSource.diagWithInfo, ConnectionSample.PortSource.ofTree, LogLevel.info, "counting connections"),
      (.diagWithInfo, .given, .info, "counting connections"),
      (.diagWithInfo, .ofControlGroup, .info, "counting connections"),
      (.diag, .ofTree, .warning, "the kernel does not report connection ages"),
      (.proc, .given, .warning, "the kernel does not report connection ages"),
      (.procStates, .ofTree, .warning, "the kernel does not report connection ages"),
      (.none, .given, .warning, "cannot count connections"),
      (.none, .unknown, .warning, "cannot count connections"), (.diagWithInfo, .none, .info, "no listening sockets"),
      (.diag, .uncountable, .warning, "UDP or UNIX"),
      (.diagWithInfo, .unknown, .warning, "which ports the command listens on"),
      (.diagWithInfo, .all, .warning, "which process owns the listening sockets"),
    ] {
      let explanation = explained(source, listeners)
      #expect(explanation.0 == level && explanation.1.contains(part), "\(source) \(listeners): \(explanation)")
    }
  }

  @Test func `the log of a sample shows source, ports and counts`() {
    // One owed, two active, one idle.
    let seen = sample(
      connection(sent: 5, received: 0), connection(sent: 0, received: 5), connection(sent: 0, received: 5),
      connection(sent: 9000, received: 9001))
    let record = LogRecord(.info, "connections", seen.fields, "")
    #expect(
      record.json.contains(
        #""source":"diag+info","ports":[80],"in_flight":1,"busy":3,"idle":1"#))
  }
}
