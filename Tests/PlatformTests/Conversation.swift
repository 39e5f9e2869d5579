import CPlatform
import Foundation
import Supervision
import Testing

@testable import Platform

/// A listening socket of the test's own, on a port that nobody else has.
final class Listener {
  let socket: Int32
  let port: UInt16

  init(_ address: IPAddress = .loopback4, backlog: Int32 = 64) throws {
    socket = try Platform.listen(on: SocketAddress(address, port: 0), backlog: backlog)
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
    try (0..<count).flatMap { _ in [try connect(), try #require(try acceptConnection(from: socket))] }
  }
}

/// Both ends of a connection.
final class Conversation {
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
    try #require(try send(Array(text.utf8)[...], over: client) == text.utf8.count)
    wait(server, POLLIN)
    tick()
  }

  func read() throws {
    guard case .bytes = try receive(upTo: 65536, from: server) else { throw Errno(code: ENODATA) }
  }

  /// The client has it in its buffer and the server knows.
  func answer() throws {
    try #require(try send(Array("answer".utf8)[...], over: server) == 6)
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
}

/// Ages in tcp_info are ticks of the kernel's clock, of which a second has a hundred at least: what is to be seen one
/// after the other must lie more than one apart.
func tick() { usleep(25_000) }

func wait(_ socket: Int32, _ events: Int32) {
  var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
  #expect(poll(&entry, 1, 60_000) == 1)
}

/// The bytes that the other end has not acknowledged: SIOCOUTQ, see tcp(7).
private func unacknowledged(_ socket: Int32) -> Int32 {
  var count: Int32 = 0
  #expect(ioctl(socket, UInt(TIOCOUTQ), &count) == 0)
  return count
}

func ownPort(of socket: Int32) -> UInt16 {
  var raw = sockaddr_in6()  // has the port where sockaddr_in has it
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  _ = withUnsafeMutablePointer(to: &raw) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
  }
  return UInt16(bigEndian: raw.sin6_port)
}

extension ConnectionWatch {
  /// A whole pass.
  func pass(lookForListeners: Bool = true, visit: ((Connection) -> Void)? = nil) throws -> Sample {
    begin(lookForListeners: lookForListeners)
    while true {
      if let result = step(visit) { return try result.get() }
    }
  }

  /// Passes until one is as wanted; the last one where none is for a minute.
  func pass(until isWanted: (Sample) -> Bool) throws -> Sample {
    let end = monotonicTime() + .seconds(60)
    while true {
      let sample = try pass()
      if isWanted(sample) || monotonicTime() > end { return sample }
      usleep(1000)
    }
  }
}

extension Census {
  /// The classes that are not empty.
  var classes: [ConnectionClass: Int] {
    var classes: [ConnectionClass: Int] = [:]
    for kind in ConnectionClass.allCases where self[kind] > 0 { classes[kind] = self[kind] }
    return classes
  }
}
