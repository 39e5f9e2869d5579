import CPlatform
import Foundation
import Supervision
import TestSupport
import Testing

@testable import Platform
@testable import Primitives

/// A listening socket on a free port.
final class Listener {
  let socket: Int32
  let port: UInt16

  init(_ address: IPAddress = .loopback4, backlog: Int32 = 64) throws {
    socket = try startListening(on: SocketAddress(address, port: 0), backlog: backlog)
    port = localPort(of: socket)
  }

  deinit { CPlatform.close(socket) }

  /// Connects to it. The connection is not accepted yet.
  func connect(_ address: IPAddress = .loopback4) throws -> Int32 {
    let client = try startConnecting(to: SocketAddress(address, port: port))
    wait(client, POLLOUT)
    wait(socket, POLLIN)
    return client
  }

  /// Makes this number of connections and returns both ends of each. The caller closes them.
  func makeConnections(_ count: Int) throws -> [Int32] {
    raiseDescriptorLimit()  // the usual 1024 are for all tests of this process
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

  /// Sends a response, and waits until the client has it and the server has the acknowledgement.
  func answer() throws {
    try #require(try sendBytes(Array("answer".utf8)[...], over: server) == 6)
    wait(client, POLLIN)
    // A kernel thread receives what comes over loopback, and may have to wait for a processor.
    try Clock.wait(for: "the acknowledgement") { unacknowledged(server) == 0 }
    tick()
  }

  /// Sends a request and its response.
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

  /// Resets the connection. It has ended when this returns, because no kernel thread has to process anything first.
  func resetServer() {
    resetOnClose(server)
    closeServer()
  }
}

/// Waits for the next kernel clock ticks. Ages in tcp_info are in ticks of at most 10 ms, so two events whose order
/// matters must be more than one tick apart.
func tick() { usleep(25_000) }

/// Returns whether one of the poll(2) events happened within a minute.
@discardableResult
func wait(_ descriptor: Int32, _ events: Int32) -> Bool {
  let isReady = isReady(descriptor, for: events, within: 60_000)
  #expect(isReady)
  return isReady
}

/// The number of bytes that the other end has not acknowledged: SIOCOUTQ, see tcp(7).
private func unacknowledged(_ socket: Int32) -> Int32 {
  var count: Int32 = 0
  #expect(ioctl(socket, UInt(TIOCOUTQ), &count) == 0)
  return count
}

extension ConnectionSampler {
  /// Runs a whole pass.
  func pass(lookForListeners: Bool = true, visit: ((Connection) -> Void)? = nil) throws -> ConnectionSample {
    startPass(lookForListeners: lookForListeners)
    while true {
      if let result = advance(visit) { return try result.get() }
    }
  }

  /// Runs passes until one meets the condition, for at most a minute, and returns the last one.
  func pass(until isWanted: (ConnectionSample) -> Bool) throws -> ConnectionSample {
    var sample = try pass()
    _ = try Clock.poll { () throws -> Bool in
      if isWanted(sample) { return true }
      sample = try pass()
      return false
    }
    return sample
  }

  /// Runs passes until one has missed no close event. The first may miss some, because sockets of other tests use the
  /// receive buffer until the kernel knows the ports.
  func passWithoutMiss() throws -> ConnectionSample {
    let sample = try pass(until: { !$0.missedCloses })
    try #require(!sample.missedCloses)
    return sample
  }
}

extension ConnectionCounts {
  /// The counts of the classes that are not empty.
  var classes: [ConnectionClass: Int] {
    var classes: [ConnectionClass: Int] = [:]
    for kind in ConnectionClass.allCases where self[kind] > 0 { classes[kind] = self[kind] }
    return classes
  }
}
