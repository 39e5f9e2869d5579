import CPlatform
import Supervision
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Each class of connection, made by real sockets and reported by the kernel.
@Suite struct ConnectionClassTests {
  private static let long = TimeAmount.seconds(3600)

  private func watch(_ listener: Listener, quiet: TimeAmount = long, _ source: ConnectionSource = .diagWithInfo)
    -> ConnectionSampler
  {
    ConnectionSampler(ports: [Port(listener.port)], owner: .everyone, excluding: nil, quiet: quiet, source: source)
  }

  /// Samples until these classes are counted, at most one minute. /proc/net may show a line twice or not at all while
  /// other sockets open and close.
  private func look(
    _ listener: Listener, _ source: ConnectionSource, quiet: TimeAmount = .zero, shows classes: [ConnectionClass: Int]
  ) throws -> ConnectionSample {
    let sample = try watch(listener, quiet: quiet, source).pass { $0.counts.classes == classes }
    #expect(sample.counts.classes == classes)
    #expect(sample.source == source)
    return sample
  }

  @Test func `a listening socket without clients has no connections`() throws {
    let sample = try watch(Listener()).passWithoutMiss()
    #expect(sample.counts.classes.isEmpty)
    #expect(sample.counts.connections == 0)
    #expect(sample.source == .diagWithInfo)
    #expect(sample.portSource == .given)
  }

  @Test(arguments: [ConnectionSource.diagWithInfo, .diag, .proc])
  func `unaccepted connections are pendingAccept during the quiet time`(source: ConnectionSource) throws {
    let listener = try Listener()
    let clients = [try listener.connect(), try listener.connect()]
    defer { for client in clients { close(client) } }
    let sample = try look(listener, source, quiet: ConnectionClassTests.long, shows: [.pendingAccept: 2])
    #expect(sample.counts.established == 2)
    #expect(sample.counts.busy == 2)
  }

  @Test func `unaccepted connections without a request are neverUsed after the quiet time`() throws {
    let listener = try Listener()
    let clients = [try listener.connect(), try listener.connect()]
    defer { for client in clients { close(client) } }
    let sample = try look(listener, .diagWithInfo, shows: [.neverUsed: 2])
    #expect(sample.counts.established == 2)
    #expect(sample.counts.busy == 0)
    #expect(send(clients[0], "a", 1, 0) == 1)
    let half = try look(listener, .diagWithInfo, shows: [.pendingAccept: 1, .neverUsed: 1])
    #expect(half.counts.busy == 1)
  }

  @Test(arguments: [ConnectionSource.diagWithInfo, .diag, .proc])
  func `a connection with a request that the server has not read is unreadRequest`(source: ConnectionSource) throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.ask()
    _ = try look(listener, source, shows: [.unreadRequest: 1])
  }

  @Test func `a connection with a request read and not answered is owedResponse`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.ask()
    try pair.read()
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.owedResponse: 1])
    try pair.answer()
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.idle: 1])
    try pair.ask()
    try pair.read()
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.owedResponse: 1])
  }

  @Test(arguments: [ConnectionSource.diagWithInfo, .diag, .proc])
  func `a connection whose client does not read the response is responseInFlight`(source: ConnectionSource) throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.ask()
    try pair.read()
    let block = [UInt8](repeating: 1, count: 65536)
    var sent = 0
    while case let count = try sendBytes(block[...], over: pair.server), count > 0 { sent += count }
    #expect(sent > 65536)
    _ = try look(listener, source, shows: [.responseInFlight: 1])
    // The server has closed the connection, but the rest of the response is still to be delivered.
    pair.closeServer()
    let sample = try look(listener, source, shows: [.responseInFlight: 1])
    #expect(sample.counts.established == 0)
  }

  @Test func `a connection is activeStream during the quiet time and idle after it`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    #expect(try watch(listener).pass().counts.classes == [.activeStream: 1])
    let idle = try watch(listener, quiet: .milliseconds(300)).pass { $0.counts[.idle] == 1 }
    #expect(idle.counts.classes == [.idle: 1])
    #expect(idle.counts.busy == 0)
    // A byte from the server alone counts too.
    try pair.answer()
    let sample = try watch(listener).pass()
    #expect(sample.counts.classes == [.activeStream: 1])
    #expect(try #require(sample.counts.sinceReceived) >= .milliseconds(300))
  }

  @Test func `an accepted connection without a request is neverUsed after the quiet time`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    #expect(try watch(listener).pass().counts.classes == [.activeStream: 1])
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.neverUsed: 1])
    // The server sends first, as with SMTP.
    try pair.answer()
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.neverUsed: 1])
  }

  @Test(arguments: [false, true])
  func `a connection that the client half-closed after its response is halfClosed after the quiet time`(
    hasReadTheEnd: Bool
  ) throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    shutdown(pair.client, Int32(SHUT_WR))
    wait(pair.server, POLLIN)
    if hasReadTheEnd {
      guard case .end = try receive(upTo: 10, from: pair.server) else { throw Errno(code: 0) }
    }
    #expect(try watch(listener, quiet: .zero).pass().counts.classes == [.halfClosed: 1])
    // The response may continue.
    #expect(try watch(listener).pass().counts.classes == [.activeStream: 1])
  }

  @Test(arguments: [false, true])
  func `a half-closed connection that lacks its response is unreadRequest and then owedResponse`(hasReadTheEnd: Bool)
    throws
  {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.ask()
    shutdown(pair.client, Int32(SHUT_WR))
    tick()
    let sampler = watch(listener)
    #expect(try sampler.pass().counts.classes == [.unreadRequest: 1])
    try pair.read()
    wait(pair.server, POLLIN)
    if hasReadTheEnd {
      guard case .end = try receive(upTo: 10, from: pair.server) else { throw Errno(code: 0) }
    }
    #expect(try sampler.pass().counts.classes == [.owedResponse: 1])
  }

  /// nginx closes this way: it half-closes the connection and waits for the client's close.
  @Test func `a connection that the server half-closed is halfClosed until the server closes it`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    shutdown(pair.server, Int32(SHUT_WR))
    let sampler = watch(listener)
    var states: [TCPState] = []
    while !states.contains(.finWait2) {
      states = []
      let sample = try sampler.pass { states.append($0.state) }
      #expect(sample.counts.classes == [.halfClosed: 1])
      #expect(sample.counts.connections == 1)
    }
    pair.closeServer()
    let after = try sampler.pass { $0.closed == 1 }
    #expect(after.counts.connections == 0)
    #expect(after.closed == 1)
  }

  @Test func `without connection ages a used connection is unknown and counts as busy`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    for source in [ConnectionSource.diag, .proc] {
      let sample = try look(listener, source, shows: [.unknown: 1])
      #expect(sample.counts.busy == 1)
      #expect(sample.counts.sinceReceived == nil)
    }
  }
}
