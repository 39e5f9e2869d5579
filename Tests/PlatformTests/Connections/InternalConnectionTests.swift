import CPlatform
import Supervision
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Connections with both ends in the command's tree, with real processes.
@Suite struct InternalConnectionTests {
  private func watch(_ stranger: PythonProcess, ports: [UInt16]? = nil) -> ConnectionSampler {
    ConnectionSampler(
      ports: ports?.map { Port($0) }, owner: .descendants(of: stranger.pid), excluding: nil, quiet: .seconds(2))
  }

  /// A listener of the tree's. Returns its port.
  private func listen(_ stranger: PythonProcess, _ address: String = "127.0.0.1", family: String = "AF_INET") throws
    -> UInt16
  {
    try stranger.tell("l = socket.socket(socket.\(family)); l.bind(('\(address)', 0)); l.listen(100)")
    return try #require(UInt16(try stranger.tell("answer = l.getsockname()[1]")))
  }

  /// A connection of the tree to itself.
  private func connect(_ stranger: PythonProcess) throws {
    try stranger.tell("c = socket.create_connection(l.getsockname()[:2]); s, _ = l.accept()")
  }

  /// Its request is never answered.
  private func connectFromOutside(_ stranger: PythonProcess, _ port: UInt16) throws -> Int32 {
    let client = try startConnecting(to: SocketAddress(.loopback4, port: port))
    wait(client, POLLOUT)
    try stranger.tell("o, _ = l.accept()")
    try #require(try sendBytes(Array("request".utf8)[...], over: client) == 7)
    try stranger.tell("o.recv(7, socket.MSG_PEEK)")
    return client
  }

  @Test func `a connection within the process tree and its close are not counted`() throws {
    let stranger = try PythonProcess()
    let port = try listen(stranger)
    let sampler = watch(stranger)
    let before = try sampler.passWithoutMiss()
    try connect(stranger)
    try stranger.tell("c.send(b'request'); s.recv(7)")
    var visits = 0
    for lookForListeners in [true, false] {
      let sample = try sampler.pass(lookForListeners: lookForListeners) { if $0.state != .listen { visits += 1 } }
      #expect(sample.ports == [port] && sample.counts.connections == 0 && sample.counts.established == 0)
      #expect(sample.counts.busy == 0 && sample.counts.idle == 0 && sample.counts.sinceReceived == nil)
      #expect(visits == 0)
    }
    // Nor is its end: the one from outside, which is closed later, is the only one.
    try stranger.tell("s.close(); c.close()")
    let client = try connectFromOutside(stranger, port)
    _ = try sampler.pass()
    try stranger.tell("o.close()")
    close(client)
    let after = try sampler.pass {
      $0.closed > before.closed && ($0.eventHorizonAge ?? .seconds(9)) < .milliseconds(500)
    }
    #expect(after.closed == before.closed + 1 && after.counts.connections == 0)
  }

  @Test func `a connection from outside the process tree is counted`() throws {
    let stranger = try PythonProcess()
    let port = try listen(stranger)
    try connect(stranger)
    let client = try connectFromOutside(stranger, port)
    defer { close(client) }
    let sampler = watch(stranger)
    for _ in 0..<3 {
      var peers: [UInt16] = []
      let sample = try sampler.pass { if $0.state != .listen { peers.append($0.peer.port) } }
      #expect(sample.counts.classes == [.unreadRequest: 1] && sample.counts.connections == 1)
      #expect(peers == [ownPort(of: client)])
    }
  }

  /// As those to a proxy in another container, whose port is named.
  @Test func `a connection of the process tree to a server outside it is counted on a given port`() throws {
    let listener = try Listener()
    let stranger = try PythonProcess()
    try stranger.tell("c = socket.create_connection(('127.0.0.1', \(listener.port)))")
    wait(listener.socket, POLLIN)
    let server = try #require(try acceptConnection(from: listener.socket))
    defer { close(server) }
    let sampler = watch(stranger, ports: [listener.port])
    for _ in 0..<2 { #expect(try sampler.pass().counts.connections == 1) }
  }

  @Test(
    .needsIPv6,
    arguments: [
      ("AF_INET", "127.0.0.1", "socket.create_connection(a, source_address=('127.0.0.6', 0))"),
      ("AF_INET6", "::1", "socket.create_connection(a)"),
      ("AF_INET6", "::", "socket.create_connection(('127.0.0.1', a[1]))"),
      ("AF_INET", "0.0.0.0", "m"),
    ])
  func `a connection within the process tree is recognised by any pair of addresses`(
    family: String, address: String, client: String
  ) throws {
    let stranger = try PythonProcess()
    try stranger.tell("m = None")
    _ = try listen(stranger, address, family: family)
    try stranger.tell("a = l.getsockname()[:2]")
    if client == "m" {
      // A client of IPv6 with a server of IPv4.
      try stranger.tell("m = socket.socket(socket.AF_INET6); m.connect(('::ffff:127.0.0.1', a[1]))")
    }
    try stranger.tell("c = \(client); s, _ = l.accept()")
    #expect(try watch(stranger).pass().counts.connections == 0)
  }

  @Test func `a connection whose ends children of the process tree inherited is not counted`() throws {
    let stranger = try PythonProcess()
    _ = try listen(stranger)
    try connect(stranger)
    // A child has the client's end alone, another one the server's.
    let fork = "p = os.fork(); p or (%.close(), __import__('signal').pause()); answer = p"
    let children = try ["s", "c"].map { try stranger.tell(fork.replacing("%", with: $0)) }
    defer { for child in children { kill(Int32(child) ?? -1, SIGKILL) } }
    try stranger.tell("c.close(); s.close()")
    #expect(try watch(stranger).pass().counts.connections == 0)
  }

  /// It is in the sum of those that are there and those that are gone, before and after.
  @Test func `a connection within the process tree is counted until it is accepted`() throws {
    let stranger = try PythonProcess()
    let port = try listen(stranger)
    let sampler = watch(stranger)
    let before = try sampler.passWithoutMiss()
    try stranger.tell("c = socket.create_connection(l.getsockname())")
    let pending = try sampler.pass { $0.counts[.pendingAccept] == 1 && $0.counts.connections == 1 }
    #expect(pending.counts.connections == 1 && pending.closed == before.closed)
    try stranger.tell("s, _ = l.accept()")
    let accepted = try sampler.pass()
    #expect(accepted.counts.connections == 0 && accepted.closed == before.closed + 1)
    // One that comes from outside is new all the same.
    let client = try connectFromOutside(stranger, port)
    defer { close(client) }
    let sample = try sampler.pass()
    #expect(sample.counts.connections + sample.closed == before.closed + 2)
  }

  @Test func `600 connections within the process tree are recognised over several passes`() throws {
    let stranger = try PythonProcess()
    _ = try listen(stranger)
    try stranger.tell("import resource; h = resource.getrlimit(7)[1]; resource.setrlimit(7, (h, h)); e = []")
    try stranger.tell(
      "for i in range(600): c = socket.create_connection(l.getsockname()); e += [c, l.accept()[0]]")
    let sampler = watch(stranger)
    let first = try sampler.pass()
    #expect(first.counts.connections == 600 - 256)
    let last = try sampler.pass { $0.counts.connections == 0 }
    #expect(last.counts.connections == 0 && last.closed == first.closed + 600 - 256)
    // A pass that is given up leaves nothing behind.
    for steps in 1..<40 {
      sampler.startPass(lookForListeners: true)
      for _ in 0..<steps { if sampler.advance(nil) != nil { break } }
    }
    #expect(try sampler.pass().counts.connections == 0)
  }

  /// As a supervisor without CAP_SYS_PTRACE sees a command that has changed its user.
  @Test func `with unreadable descriptors a connection within the process tree is recognised by its control group`()
    throws
  {
    guard getuid() == 0 else { return }
    let stranger = try PythonProcess()
    _ = try listen(stranger)
    try connect(stranger)
    setfsuid(65534)  // this thread's alone; files are opened with it
    defer { setfsuid(0) }
    // All were made in the same group.
    let port = try #require(UInt16(try stranger.tell("answer = l.getsockname()[1]")))
    let sample = try watch(stranger, ports: [port]).pass()
    #expect(sample.counts.connections == (readOwnControlGroup() == nil ? 1 : 0))
  }

  @Test func `a connection within a process is counted if every process is the owner`() throws {
    let stranger = try PythonProcess()
    let port = try listen(stranger)
    try connect(stranger)
    let sample = try ConnectionSampler(ports: [Port(port)], owner: .everyone, excluding: nil, quiet: .zero).pass()
    #expect(sample.counts.connections == 1)
  }
}
