import CPlatform
import Testing

@testable import Platform
@testable import Primitives

/// The wrappers of the socket calls against the real kernel.
@Suite struct SocketTests {
  @Test(arguments: Machine.loopbacks)
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
    #expect(throws: Errno(code: ECONNRESET)) { _ = try receive(upTo: 10, from: client) }  // two bytes were not read
  }

  @Test func `a connection to a port without a listening socket fails with ECONNREFUSED`() throws {
    // Held, so that no other test listens there meanwhile.
    let holder = try boundSocket()
    defer { close(holder) }
    do throws(Errno) {
      let place = SocketAddress(.loopback4, port: ownPort(of: holder))
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
    let socket = ebb_tcp_socket(AF_INET)
    defer { close(socket) }
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &raw) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        // Port 0: the kernel picks one that is nobody's, and the socket then connects to it.
        #expect(bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0)
        connect(socket, $0, length)
      }
    }
    let place = SocketAddress(.loopback4, port: UInt16(bigEndian: raw.sin_port))
    wait(socket, POLLOUT)
    #expect(takeConnectError(socket, to: place) == Errno(code: ECONNREFUSED))
  }
}
