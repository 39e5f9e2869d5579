import LifecycleModel
import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

/// The output of `ebb drain` and `ebb status --connections`.
@Suite struct DrainCommandTextTests {
  private func traffic(_ sample: ConnectionSample?) -> TrafficMonitor {
    var traffic = TrafficMonitor(mode: .idle, quiet: .seconds(2), since: .at(0))
    if let sample { traffic.add(sample, at: .at(0)) }
    return traffic
  }

  /// One connection is owed a response, one is active, one is idle.
  private let seen = sample(
    connection(sent: 5, received: 0), connection(sent: 0, received: 5), connection(sent: 9000, received: 9001))
  private let counts = "2 busy (1 owed-response, 1 active-stream), 1 idle (1 idle), port 80, by diag+info"

  @Test func `the progress line of ebb drain shows the phase, the time left and the counts`() {
    func text(_ sample: ConnectionSample?, delay: Int, remaining: Int) -> String {
      drainProgress(traffic(sample), delayRemaining: .milliseconds(delay), remaining: .milliseconds(remaining))
    }
    #expect(text(seen, delay: 1500, remaining: 11_500) == "delay, 1.5s left: \(counts)")
    #expect(text(seen, delay: 0, remaining: 10_000) == "draining, at most 10s more: \(counts)")
    #expect(text(seen, delay: -5000, remaining: 5000) == "draining, at most 5.0s more: \(counts)")
    #expect(text(nil, delay: 0, remaining: 1000) == "draining, at most 1.0s more: connections unknown")
  }

  @Test func `ebb drain calls connections unknown if they cannot be counted`() {
    for listeners in [ConnectionSample.PortSource.unknown, .uncountable] {
      let text = drainSummary(.bound, traffic(sample(listeners: listeners)), after: .seconds(10))
      #expect(text == "not drained after 10s (timeout): connections unknown, by diag+info")
    }
    var failed = traffic(seen)
    failed.fail()
    #expect(drainSummary(.bound, failed, after: .seconds(10)).hasSuffix(": connections unknown"))
  }

  @Test func `the last line of ebb drain says how the drain ended and what is left`() {
    func text(_ end: DrainCommandResult, _ sample: ConnectionSample) -> String {
      drainSummary(end, traffic(sample), after: .seconds(5))
    }
    #expect(
      text(.drained(by: .quiet), sample()) == "drained after 5.0s (quiet): 0 busy, 0 idle, port 80, by diag+info")
    #expect(text(.drained(by: nil), seen) == "drained after 5.0s: \(counts)")
    #expect(text(.bound, seen) == "not drained after 5.0s (timeout): \(counts)")
    #expect(text(.nothingListens, sample(listeners: .none)) == "no listening sockets; nothing to drain")
    var ports = sample()
    ports.ports = []
    #expect(text(.drained(by: .quiet), ports).hasSuffix("0 busy, 0 idle, no port, by diag+info"))
    ports.ports = [80, 443]
    #expect(text(.drained(by: .quiet), ports).hasSuffix("0 idle, port 80 443, by diag+info"))
  }

  @Test func `a drain distinguishes no listening socket, uncountable sockets and unknown ones`() {
    #expect(!traffic(nil).nothingListens)
    #expect(!traffic(nil).isUncountable)
    #expect(traffic(sample(listeners: .none)).nothingListens)
    #expect(!traffic(sample(listeners: .ofTree)).nothingListens)
    #expect(traffic(sample(listeners: .uncountable)).isUncountable)
    #expect(!traffic(sample()).isUncountable)
    #expect(!traffic(sample(listeners: .uncountable)).nothingListens)
  }

  @Test func `ebb status --connections shows a table of the connections`() {
    var bare = connection(sent: 0, received: 0)
    bare.tcpInfo = nil
    let text = connectionText([connection(sent: 9000, received: 12_000), bare], quiet: .seconds(2))
    #expect(
      text == """
        PORT  PEER            CLASS    LAST IN  LAST OUT
          80  127.0.0.1:5000  idle         12s  9.0s
          80  127.0.0.1:5000  unknown        -  -

        """)
    #expect(connectionText([], quiet: .zero) == "no connections\n")
  }

  @Test func `a connection in JSON has port, peer, class and ages`() {
    var one = connection(sent: 9000, received: 12_000)
    one.tcpInfo?.lastAckAge = .seconds(1)
    let record = LogRecord(.info, "x", [("one", .object(one.fields(quiet: .seconds(2))))], "")
    #expect(
      record.json.contains(
        #"{"port":80,"peer":"127.0.0.1:5000","class":"idle","last_in_ms":12000,"last_out_ms":9000}"#))
  }
}
