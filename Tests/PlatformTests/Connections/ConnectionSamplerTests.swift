import CPlatform
import Supervision
import TestSupport
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// The counts besides the classes, as the kernel reports them.
@Suite struct ConnectionSamplerTests {
  private func watch(_ ports: [UInt16], quiet: TimeAmount = .zero, _ source: ConnectionSource = .diagWithInfo)
    -> ConnectionSampler
  {
    ConnectionSampler(ports: ports.map { Port($0) }, owner: .everyone, excluding: nil, quiet: quiet, source: source)
  }

  private static let sources = [ConnectionSource.diagWithInfo, .diag, .proc]

  @Test(.needsIPv6, arguments: sources)
  func `IPv4 and IPv6 clients of a dual-stack listening socket are counted`(source: ConnectionSource) throws {
    let listener = try Listener(.v6(high: 0, low: 0))
    let pairs = [
      try ConnectionPair(listener, from: .loopback4), try ConnectionPair(listener, from: .loopback6),
    ]
    var peers: [SocketAddress] = []
    let sample = try watch([listener.port], source).pass {
      if $0.state != .listen { peers.append($0.peer) }
    }
    #expect(sample.counts.connections == 2)
    #expect(sample.source == source)
    for (pair, address) in zip(pairs, [IPAddress.loopback4, .loopback6]) {
      #expect(peers.contains(SocketAddress(address, port: localPort(of: pair.client))))
    }
  }

  @Test(arguments: sources)
  func `connections of 25 sampled ports are counted and those of other ports are not`(source: ConnectionSource) throws {
    let listeners = try (0..<30).map { _ in try Listener() }
    let pairs = try listeners.prefix(25).map { try ConnectionPair($0) }
    // The clients' ends have other ports, and five listening sockets are not sampled.
    let watched = listeners.dropFirst(5).map { $0.port }
    let sampler = watch(watched, source)
    var ports: [UInt16] = []
    let sample = try sampler.pass { if $0.state == .established { ports.append($0.localPort) } }
    // /proc is read in pieces, and repeats a line if other sockets open and close between them.
    if source == .proc { ports = Array(Set(ports)) }
    #expect(ports.sorted() == listeners[5..<25].map { $0.port }.sorted())
    #expect(source == .proc ? sample.counts.established >= 20 : sample.counts.established == 20)
    #expect(sample.ports == watched.sorted())
    withExtendedLifetime(pairs) {}
  }

  @Test func `connections are counted with more port ranges than the kernel's filter takes`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    let sample = try watch((0..<200).map { 1 + 2 * $0 } + [listener.port]).pass()
    #expect(sample.counts.established == 1)
    withExtendedLifetime(pair) {}
  }

  /// More rows than fit into one buffer of the kernel.
  @Test(arguments: sources)
  func `300 connections are counted in each pass, also after an abandoned pass`(source: ConnectionSource) throws {
    let listener = try Listener()
    let sockets = try listener.makeConnections(300)
    defer { for socket in sockets { close(socket) } }
    let sampler = watch([listener.port], source)
    // /proc may repeat a line if other tests open and close sockets, so each count is retried.
    for _ in 0..<3 { #expect(try sampler.pass { $0.counts.established == 300 }.counts.established == 300) }
    let before = threadTime()
    let cost = try sampler.pass().cost
    let spent = threadTime() - before
    #expect(cost <= spent)
    #expect(cost > spent / 2)
    // An abandoned pass must not affect the next one.
    for _ in 0..<3 {
      sampler.startPass(lookForListeners: true)
      for _ in 0..<3 { #expect(sampler.advance(nil) == nil) }
      #expect(try sampler.pass { $0.counts.established == 300 }.counts.established == 300)
    }
  }

  @Test func `connections of two listening sockets on one port are all counted`() throws {
    let first = try LoopbackSocket(sharesPort: true)
    let port = first.port
    let second = try LoopbackSocket(port: port, sharesPort: true)
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    for _ in 0..<20 { clients.append(try startConnecting(to: SocketAddress(.loopback4, port: port))) }
    for client in clients { wait(client, POLLOUT) }
    let sampler = watch([port], quiet: .seconds(600))
    // The client's end is connected before the server's end.
    #expect(try sampler.pass { $0.counts.established == 20 }.counts.classes == [.pendingAccept: 20])
    var listeners = 0
    _ = try sampler.pass { if $0.state == .listen { listeners += 1 } }
    #expect(listeners == 2)
    withExtendedLifetime((first, second)) {}
  }

  // MARK: Connections between two passes

  @Test(.needsIPv6, arguments: [IPAddress.loopback4, .loopback6])
  func `connections that open and close between two passes are counted`(address: IPAddress) throws {
    let listener = try Listener(.v6(high: 0, low: 0))
    let sampler = watch([listener.port])
    let before = try sampler.passWithoutMiss()
    #expect(before.closed == 0)
    #expect(before.sinceReceivedByClosed == nil)
    // With a pass after each, because markers of other tests also use the receive buffer.
    for _ in 0..<10 {
      let pair = try ConnectionPair(listener, from: address)
      try pair.exchange()
      pair.closeServer()
      _ = try sampler.pass()
    }
    for _ in 0..<10 {
      let pair = try ConnectionPair(listener, from: address)
      try pair.exchange()
      pair.closeClient()
      wait(pair.server, POLLIN)
      _ = try sampler.pass()
    }
    let after = try sampler.pass { $0.closed == 20 }
    #expect(after.closed == 20)
    #expect(!after.missedCloses)
    #expect(after.counts.connections == 0)
    #expect(try #require(after.passiveOpens) >= 20)
  }

  @Test func `more closes than the kernel keeps are reported as missed`() throws {
    let listener = try Listener()
    let sampler = watch([listener.port])
    _ = try sampler.passWithoutMiss()
    try listener.makeReportedShortConnections(6000)
    #expect(try sampler.pass().missedCloses)
    _ = try sampler.passWithoutMiss()
  }

  @Test func `only the pass that counts a closed connection reports the age of its last byte`() throws {
    let listener = try Listener()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    let sampler = watch([listener.port])
    let before = try sampler.pass { $0.counts.sinceReceived ?? .zero >= .milliseconds(200) }
    #expect(before.closed == 0)
    pair.closeServer()
    pair.closeClient()
    // Only the pass that counts the connection reports its age.
    let after = try sampler.pass { $0.closed == 1 }
    #expect(try #require(after.sinceReceivedByClosed) >= .milliseconds(200))
    #expect(try sampler.pass().sinceReceivedByClosed == nil)
  }

  /// After a reset by the server the kernel forgets the peer before it sends the event.
  @Test func `a connection that the server resets is counted as closed`() throws {
    let listener = try Listener()
    let sampler = watch([listener.port])
    _ = try sampler.pass()
    let pair = try ConnectionPair(listener)
    try pair.exchange()
    pair.resetServer()
    let after = try sampler.pass { $0.closed == 1 }
    #expect(after.closed == 1)
    #expect(try #require(after.sinceReceivedByClosed) < .seconds(60))
  }

  @Test func `the close of an outgoing connection or of a listening socket is not counted`() throws {
    let other = try Listener()
    let first = try LoopbackSocket(sharesPort: true)
    var second: LoopbackSocket? = try LoopbackSocket(port: first.port, sharesPort: true)
    let sampler = watch([first.port])
    _ = try sampler.pass()
    // The client's end and this server use other ports, and a listening socket is not a connection.
    let pair = try ConnectionPair(other)
    pair.closeServer()
    pair.closeClient()
    withExtendedLifetime(second) {}
    second = nil
    let client = try startConnecting(to: SocketAddress(.loopback4, port: first.port))
    wait(first.descriptor, POLLIN)
    close(try #require(try acceptConnection(from: first.descriptor)))
    close(client)
    let after = try sampler.pass { $0.closed >= 1 }
    #expect(after.closed == 1)
  }

  @Test func `the supervisor's own connections are subtracted from PassiveOpens`() throws {
    var own = 0
    let listener = try Listener()
    let sampler = ConnectionSampler(
      ports: [Port(listener.port)], owner: .everyone, excluding: nil, quiet: .zero, ownConnections: { own })
    _ = try sampler.pass()
    let pair = try ConnectionPair(listener)
    #expect(try #require(try sampler.pass().passiveOpens) >= 1)
    own = 1_000_000  // more than other tests make in this time
    #expect(try sampler.pass().passiveOpens == 0)
    withExtendedLifetime(pair) {}
  }

  // MARK: Refusals

  @Test func `a pass without a source counts no connection`() throws {
    let sampler = watch([1], ConnectionSource.none)
    let sample = try sampler.pass()
    #expect(sample.source == .none)
    #expect(sample.portSource == .given)
    #expect(sample.counts.connections == 0)
  }

  @Test func `advance fails if no pass has started`() throws {
    guard case .failure = watch([1]).advance(nil) else { throw Errno(code: 0) }
  }
}
