import CPlatform
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

/// The wrappers of socket system calls.
@Suite struct SocketTests {
  @Test(arguments: loopbacks)
  func `two sockets connect and exchange bytes, and a close with unread bytes resets the connection`(address: IPAddress)
    throws
  {
    let listener = try Listener(address)
    let place = SocketAddress(address, port: listener.port)
    #expect(try acceptConnection(from: listener.socket) == nil)
    let client = try startConnecting(to: place)
    defer { close(client) }
    wait(client, POLLOUT)
    #expect(takeConnectError(client, to: place) == nil)
    wait(listener.socket, POLLIN)
    let server = try #require(try acceptConnection(from: listener.socket))
    guard case .nothing = try receive(upTo: 10, from: server) else { throw Errno(code: 0) }
    #expect(try sendBytes(Array("hello".utf8)[...], over: client) == 5)
    wait(server, POLLIN)
    guard case .bytes(let bytes) = try receive(upTo: 3, from: server) else { throw Errno(code: 0) }
    #expect(bytes == Array("hel".utf8))
    close(server)
    wait(client, POLLIN)
    // Because two bytes were not read.
    #expect(throws: Errno(code: ECONNRESET)) { _ = try receive(upTo: 10, from: client) }
  }

  @Test func `a connection to a port without a listening socket fails with ECONNREFUSED`() throws {
    // Keeps the port, so that no other test listens there.
    let holder = try LoopbackSocket(backlog: nil)
    do throws(Errno) {
      let place = SocketAddress(.loopback4, port: holder.port)
      let client = try startConnecting(to: place)
      defer { close(client) }
      wait(client, POLLOUT)
      #expect(takeConnectError(client, to: place) == Errno(code: ECONNREFUSED))
      #expect(takeConnectError(client, to: place) == nil)
    } catch {
      #expect(error == Errno(code: ECONNREFUSED))
    }
  }

  @Test func `listening on a port in use throws EADDRINUSE`() throws {
    let listener = try Listener()
    #expect(throws: Errno(code: EADDRINUSE)) {
      _ = try startListening(on: SocketAddress(.loopback4, port: listener.port), backlog: 8)
    }
  }

  @Test(.needsIPv6) func `a socket that listens on :: accepts IPv4 and IPv6 clients`() throws {
    let listener = try Listener(.v6(high: 0, low: 0))
    for address in [IPAddress.loopback4, .loopback6] {
      let client = try listener.connect(address)
      defer { close(client) }
      close(try #require(try acceptConnection(from: listener.socket)))
    }
  }

  @Test func `a TCP self-connect is detected`() throws {
    // The socket connects to the port that it is bound to.
    let socket = try LoopbackSocket(backlog: nil)
    Endpoint(port: socket.port).withSockaddr { _ = connect(socket.descriptor, $0, $1) }
    let place = SocketAddress(.loopback4, port: socket.port)
    wait(socket.descriptor, POLLOUT)
    #expect(takeConnectError(socket.descriptor, to: place) == Errno(code: ECONNREFUSED))
  }
}
