import CPlatform
import Supervision
import TestSupport
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// Connections whose ends both belong to the process tree, with real processes.
@Suite struct InternalConnectionTests {
  private func watch(_ python: PythonProcess, ports: [UInt16]? = nil) -> ConnectionSampler {
    ConnectionSampler(
      ports: ports?.map { Port($0) }, owner: .descendants(of: python.pid), excluding: nil, quiet: .seconds(2))
  }

  /// Makes the tree listen and returns the port.
  private func listen(_ python: PythonProcess, _ address: String = "127.0.0.1", family: String = "AF_INET") throws
    -> UInt16
  {
    try python.execute("l = socket.socket(socket.\(family)); l.bind(('\(address)', 0)); l.listen(100)")
    return try #require(UInt16(try python.execute("answer = l.getsockname()[1]")))
  }

  /// Connects the tree to itself.
  private func connect(_ python: PythonProcess) throws {
    try python.execute("c = socket.create_connection(l.getsockname()[:2]); s, _ = l.accept()")
  }

  /// Connects from outside and sends a request, which is never answered.
  private func connectFromOutside(_ python: PythonProcess, _ port: UInt16) throws -> Int32 {
    let client = try startConnecting(to: SocketAddress(.loopback4, port: port))
    wait(client, POLLOUT)
    try python.execute("o, _ = l.accept()")
    try #require(try sendBytes(Array("request".utf8)[...], over: client) == 7)
    try python.execute("o.recv(7, socket.MSG_PEEK)")
    return client
  }

  @Test func `a connection within the process tree and its close are not counted`() throws {
    let python = try PythonProcess()
    let port = try listen(python)
    let sampler = watch(python)
    let before = try sampler.passWithoutMiss()
    try connect(python)
    try python.execute("c.send(b'request'); s.recv(7)")
    var visits = 0
    for lookForListeners in [true, false] {
      let sample = try sampler.pass(lookForListeners: lookForListeners) { if $0.state != .listen { visits += 1 } }
      #expect(sample.ports == [port])
      #expect(sample.counts.connections == 0)
      #expect(sample.counts.established == 0)
      #expect(sample.counts.busy == 0)
      #expect(sample.counts.idle == 0)
      #expect(sample.counts.sinceReceived == nil)
      #expect(visits == 0)
    }
    // Its close is not counted either: only the connection from outside, which is closed later, is.
    try python.execute("s.close(); c.close()")
    let client = try connectFromOutside(python, port)
    _ = try sampler.pass()
    try python.execute("o.close()")
    close(client)
    let after = try sampler.pass {
      $0.closed > before.closed && ($0.eventHorizonAge ?? .seconds(9)) < .milliseconds(500)
    }
    #expect(after.closed == before.closed + 1)
    #expect(after.counts.connections == 0)
  }

  @Test func `a connection from outside the process tree is counted`() throws {
    let python = try PythonProcess()
    let port = try listen(python)
    try connect(python)
    let client = try connectFromOutside(python, port)
    defer { close(client) }
    let sampler = watch(python)
    for _ in 0..<3 {
      var peers: [UInt16] = []
      let sample = try sampler.pass { if $0.state != .listen { peers.append($0.peer.port) } }
      #expect(sample.counts.classes == [.unreadRequest: 1])
      #expect(sample.counts.connections == 1)
      #expect(peers == [localPort(of: client)])
    }
  }

  /// A connection to a proxy in another container, whose port is given, is such a connection.
  @Test func `a connection of the process tree to a server outside it is counted on a given port`() throws {
    let listener = try Listener()
    let python = try PythonProcess()
    try python.execute("c = socket.create_connection(('127.0.0.1', \(listener.port)))")
    wait(listener.socket, POLLIN)
    let server = try #require(try acceptConnection(from: listener.socket))
    defer { close(server) }
    let sampler = watch(python, ports: [listener.port])
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
    let python = try PythonProcess()
    try python.execute("m = None")
    _ = try listen(python, address, family: family)
    try python.execute("a = l.getsockname()[:2]")
    if client == "m" {
      // An IPv6 socket that connects to an IPv4 server.
      try python.execute("m = socket.socket(socket.AF_INET6); m.connect(('::ffff:127.0.0.1', a[1]))")
    }
    try python.execute("c = \(client); s, _ = l.accept()")
    #expect(try watch(python).pass().counts.connections == 0)
  }

  @Test func `a connection whose ends children of the process tree inherited is not counted`() throws {
    let python = try PythonProcess()
    _ = try listen(python)
    try connect(python)
    // One child has only the client's end, another child only the server's end.
    let fork = "p = os.fork(); p or (%.close(), __import__('signal').pause()); answer = p"
    let children = try ["s", "c"].map { try python.execute(fork.replacing("%", with: $0)) }
    defer { for child in children { kill(Int32(child) ?? -1, SIGKILL) } }
    try python.execute("c.close(); s.close()")
    #expect(try watch(python).pass().counts.connections == 0)
  }

  /// It is in the sum of open and closed connections before and after the accept.
  @Test func `a connection within the process tree is counted until it is accepted`() throws {
    let python = try PythonProcess()
    let port = try listen(python)
    let sampler = watch(python)
    let before = try sampler.passWithoutMiss()
    try python.execute("c = socket.create_connection(l.getsockname())")
    let pending = try sampler.pass { $0.counts[.pendingAccept] == 1 && $0.counts.connections == 1 }
    #expect(pending.counts.connections == 1)
    #expect(pending.closed == before.closed)
    try python.execute("s, _ = l.accept()")
    let accepted = try sampler.pass()
    #expect(accepted.counts.connections == 0)
    #expect(accepted.closed == before.closed + 1)
    // A connection from outside still counts as new.
    let client = try connectFromOutside(python, port)
    defer { close(client) }
    let sample = try sampler.pass()
    #expect(sample.counts.connections + sample.closed == before.closed + 2)
  }

  @Test func `600 connections within the process tree are recognised over several passes`() throws {
    let python = try PythonProcess()
    _ = try listen(python)
    try python.execute("import resource; h = resource.getrlimit(7)[1]; resource.setrlimit(7, (h, h)); e = []")
    try python.execute(
      "for i in range(600): c = socket.create_connection(l.getsockname()); e += [c, l.accept()[0]]")
    let sampler = watch(python)
    let first = try sampler.pass()
    #expect(first.counts.connections == 600 - 256)
    let last = try sampler.pass { $0.counts.connections == 0 }
    #expect(last.counts.connections == 0)
    #expect(last.closed == first.closed + 600 - 256)
    // An abandoned pass must not affect the next one.
    for steps in 1..<40 {
      sampler.startPass(lookForListeners: true)
      for _ in 0..<steps { if sampler.advance(nil) != nil { break } }
    }
    #expect(try sampler.pass().counts.connections == 0)
  }

  /// A supervisor without CAP_SYS_PTRACE has this view of a command that has changed its user.
  @Test func `with unreadable descriptors a connection within the process tree is recognised by its control group`()
    throws
  {
    guard getuid() == 0 else { return }
    let python = try PythonProcess()
    _ = try listen(python)
    try connect(python)
    setfsuid(65534)  // only for this thread, which opens the files
    defer { setfsuid(0) }
    // All sockets were made in the same control group.
    let port = try #require(UInt16(try python.execute("answer = l.getsockname()[1]")))
    let sample = try watch(python, ports: [port]).pass()
    #expect(sample.counts.connections == (readOwnControlGroup() == nil ? 1 : 0))
  }

  @Test func `a connection within a process is counted if every process is the owner`() throws {
    let python = try PythonProcess()
    let port = try listen(python)
    try connect(python)
    let sample = try ConnectionSampler(ports: [Port(port)], owner: .everyone, excluding: nil, quiet: .zero).pass()
    #expect(sample.counts.connections == 1)
  }
}
