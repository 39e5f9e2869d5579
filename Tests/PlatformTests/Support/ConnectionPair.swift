import CPlatform
import Foundation
import Supervision
import Testing

@testable import Platform
@testable import Primitives

/// A listening socket of the test's own, on a port that nobody else has.
final class Listener {
  let socket: Int32
  let port: UInt16

  init(_ address: IPAddress = .loopback4, backlog: Int32 = 64) throws {
    socket = try startListening(on: SocketAddress(address, port: 0), backlog: backlog)
    port = ownPort(of: socket)
  }

  deinit { CPlatform.close(socket) }

  /// A connection to it that nobody has accepted yet.
  func connect(_ address: IPAddress = .loopback4) throws -> Int32 {
    let client = try startConnecting(to: SocketAddress(address, port: port))
    wait(client, POLLOUT)
    wait(socket, POLLIN)
    return client
  }

  /// Both ends of so many connections, for the caller to close.
  func makeConnections(_ count: Int) throws -> [Int32] {
    Machine.allowAllDescriptors()
    return try (0..<count).flatMap { _ in [try connect(), try #require(try acceptConnection(from: socket))] }
  }
}

/// Both ends of a connection.
final class ConnectionPair {
  private(set) var client: Int32
  private(set) var server: Int32

  init(_ listener: Listener, from address: IPAddress = .loopback4) throws {
    client = try listener.connect(address)
    server = try #require(try acceptConnection(from: listener.socket))
    tick()
  }

  deinit {
    closeClient()
    closeServer()
  }

  func ask(_ text: String = "request") throws {
    try #require(try sendBytes(Array(text.utf8)[...], over: client) == text.utf8.count)
    wait(server, POLLIN)
    tick()
  }

  func read() throws {
    guard case .bytes = try receive(upTo: 65536, from: server) else { throw Errno(code: ENODATA) }
  }

  /// The client has it in its buffer and the server knows.
  func answer() throws {
    try #require(try sendBytes(Array("answer".utf8)[...], over: server) == 6)
    wait(client, POLLIN)
    let end = monotonicTime() + .seconds(60)
    // What comes over loopback is taken in by a thread of the kernel's, which may have to wait for its turn.
    while unacknowledged(server) > 0, monotonicTime() < end { usleep(1000) }
    tick()
  }

  /// A whole request.
  func exchange() throws {
    try ask()
    try read()
    try answer()
  }

  func closeClient() {
    if client >= 0 { CPlatform.close(client) }
    client = -1
  }

  func closeServer() {
    if server >= 0 { CPlatform.close(server) }
    server = -1
  }

  /// Closes without a farewell. The end has come when this returns: there is nothing left that a thread of the kernel's
  /// would have to take in first.
  func resetServer() {
    var none = linger(l_onoff: 1, l_linger: 0)
    setsockopt(server, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
    closeServer()
  }
}

/// Ages in tcp_info are ticks of the kernel's clock, of which a second has a hundred at least: what is to be seen one
/// after the other must lie more than one apart.
func tick() { usleep(25_000) }

/// Returns whether that has come within a minute.
@discardableResult
func wait(_ descriptor: Int32, _ events: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  let count = poll(&entry, 1, 60_000)
  #expect(count == 1)
  return count == 1
}

/// The bytes that the other end has not acknowledged: SIOCOUTQ, see tcp(7).
private func unacknowledged(_ socket: Int32) -> Int32 {
  var count: Int32 = 0
  #expect(ioctl(socket, UInt(TIOCOUTQ), &count) == 0)
  return count
}

/// A socket that holds a port of 127.0.0.1 and does not listen. `port`: 0 for one that nobody else has. `isShared`: others
/// that want it too may have it.
func boundSocket(port: UInt16 = 0, isShared: Bool = false) throws -> Int32 {
  let socket = ebb_tcp_socket(AF_INET)
  var isShared: Int32 = isShared ? 1 : 0
  setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &isShared, socklen_t(MemoryLayout<Int32>.size))
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let isBound = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  try #require(isBound)
  return socket
}

func ownPort(of socket: Int32) -> UInt16 {
  var raw = sockaddr_in6()  // has the port where sockaddr_in has it
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  _ = withUnsafeMutablePointer(to: &raw) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
  }
  return UInt16(bigEndian: raw.sin6_port)
}

extension ConnectionSampler {
  /// A whole pass.
  func pass(lookForListeners: Bool = true, visit: ((Connection) -> Void)? = nil) throws -> ConnectionSample {
    startPass(lookForListeners: lookForListeners)
    while true {
      if let result = advance(visit) { return try result.get() }
    }
  }

  /// Passes until one is as wanted; the last one where none is for a minute.
  func pass(until isWanted: (ConnectionSample) -> Bool) throws -> ConnectionSample {
    let end = monotonicTime() + .seconds(60)
    while true {
      let sample = try pass()
      if isWanted(sample) || monotonicTime() > end { return sample }
      usleep(1000)
    }
  }

  /// A pass that has missed no closing. The first one may: others' sockets take room until the kernel knows the ports.
  func passWithoutMiss() throws -> ConnectionSample {
    let sample = try pass(until: { !$0.missedCloses })
    try #require(!sample.missedCloses)
    return sample
  }
}

extension ConnectionCounts {
  /// The classes that are not empty.
  var classes: [ConnectionClass: Int] {
    var classes: [ConnectionClass: Int] = [:]
    for kind in ConnectionClass.allCases where self[kind] > 0 { classes[kind] = self[kind] }
    return classes
  }
}
