import CPlatform
import Supervision
import Testing

@testable import Platform

/// The wrappers of the socket calls against the real kernel.
@Suite struct SocketTests {
  /// A listening socket on a port that nobody else has.
  private func listener(_ address: IPAddress = .loopback4) throws -> (socket: Int32, address: SocketAddress) {
    for port in UInt16(20_000)...20_200 {
      let place = SocketAddress(address, port: port)
      if let socket = try? Platform.listen(on: place, backlog: 8) { return (socket, place) }
    }
    throw Errno(code: EADDRINUSE)
  }

  private func wait(for socket: Int32, _ events: Int32) {
    var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
    poll(&entry, 1, 10_000)
  }

  @Test(arguments: [IPAddress.loopback4, .loopback6])
  func aConversation(address: IPAddress) throws {
    let (listener, place) = try listener(address)
    defer { close(listener) }
    #expect(try acceptConnection(from: listener) == nil)
    let client = try startConnecting(to: place)
    defer { close(client) }
    wait(for: client, POLLOUT)
    #expect(takeSocketError(client) == nil)
    #expect(!hasFoundItself(client, connectedTo: place))
    wait(for: listener, POLLIN)
    let server = try #require(try acceptConnection(from: listener))
    guard case .nothing = try receive(upTo: 10, from: server) else { throw Errno(code: 0) }
    #expect(try send(Array("hello".utf8)[...], over: client) == 5)
    wait(for: server, POLLIN)
    guard case .bytes(let bytes) = try receive(upTo: 3, from: server) else { throw Errno(code: 0) }
    #expect(bytes == Array("hel".utf8))
    close(server)
    wait(for: client, POLLIN)
    #expect(throws: Errno(code: ECONNRESET)) { _ = try receive(upTo: 10, from: client) }  // two bytes were not read
  }

  @Test func nobodyListens() throws {
    let (listener, place) = try listener()
    close(listener)
    do throws(Errno) {
      let client = try startConnecting(to: place)
      defer { close(client) }
      wait(for: client, POLLOUT)
      #expect(takeSocketError(client) == Errno(code: ECONNREFUSED))
      #expect(takeSocketError(client) == nil)
    } catch {
      #expect(error == Errno(code: ECONNREFUSED))
    }
  }

  @Test func taken() throws {
    let (listener, place) = try listener()
    defer { close(listener) }
    #expect(throws: Errno(code: EADDRINUSE)) { _ = try Platform.listen(on: place, backlog: 8) }
  }

  @Test func everywhereTakesBothFamilies() throws {
    let (listener, place) = try listener(.v6(high: 0, low: 0))
    defer { close(listener) }
    for address in [IPAddress.loopback4, .loopback6] {
      let client = try startConnecting(to: SocketAddress(address, port: place.port))
      defer { close(client) }
      wait(for: listener, POLLIN)
      close(try #require(try acceptConnection(from: listener)))
    }
  }

  @Test func aConnectionThatHasFoundItself() throws {
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
    wait(for: socket, POLLOUT)
    #expect(takeSocketError(socket) == nil)
    #expect(hasFoundItself(socket, connectedTo: place))
  }
}
