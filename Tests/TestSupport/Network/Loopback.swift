// TCP over the loopback addresses.

import Glibc
import Synchronization

/// A port of 127.0.0.1, or of ::1 for AF_INET6.
package struct Endpoint: Sendable {
  package let port: UInt16
  package let family: Int32

  package init(port: UInt16, family: Int32 = AF_INET) { (self.port, self.family) = (port, family) }

  /// The address as a configuration file has it: `127.0.0.1:80`.
  package var text: String { family == AF_INET ? "127.0.0.1:\(port)" : "[::1]:\(port)" }

  package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    func call<Address>(_ address: Address) -> Result {
      withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
      }
    }
    guard family == AF_INET else {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      return call(address)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return call(address)
  }
}

/// A TCP socket that is bound to a loopback address.
package final class LoopbackSocket: Sendable {
  package let descriptor: Int32
  package let port: UInt16

  /// - Parameters:
  ///   - port: `nil`: a port of `freePort`.
  ///   - family: AF_INET or AF_INET6.
  ///   - backlog: `nil`: the socket does not listen, but keeps the port from all others.
  ///   - sharesPort: Whether other sockets may bind to the port too.
  /// - Throws: A `Failure` if the socket cannot be bound.
  package init(
    port: UInt16? = nil, family: Int32 = AF_INET, backlog: Int32? = 1024, sharesPort: Bool = false
  ) throws(Failure) {
    let port = if let port { port } else { try freePort() }
    self.port = port
    let descriptor = try makeSocket(family)
    self.descriptor = descriptor
    var shares: Int32 = sharesPort ? 1 : 0
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &shares, socklen_t(MemoryLayout<Int32>.size))
    let isBound = Endpoint(port: port, family: family).withSockaddr { bind(descriptor, $0, $1) } == 0
    let isListening = isBound && backlog.map { listen(descriptor, $0) == 0 } ?? true
    let error = errno
    guard isListening else { throw Failure("cannot bind to port \(port) of loopback: \(text(error))") }
  }

  deinit { close(descriptor) }
}

/// Whether this machine has the address ::1.
package let hasIPv6 = (try? LoopbackSocket(family: AF_INET6)) != nil

/// Returns the port that a socket is bound to; 0 if none.
package func localPort(of socket: Int32) -> UInt16 {
  var address = sockaddr_in6()  // has the port where sockaddr_in has it
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  _ = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
  }
  return UInt16(bigEndian: address.sin6_port)
}

private let handedOut = Atomic<Int>(0)

/// Returns a free port of 127.0.0.1. Each port is returned once, and the kernel gives none of this range to a client
/// that connects, which would otherwise use it before the server under test listens.
///
/// - Throws: A `Failure` if no port is free.
package func freePort() throws(Failure) -> UInt16 {
  for _ in 0..<10_000 {
    let number = handedOut.add(1, ordering: .relaxed).newValue
    let port = UInt16(10_000 + (Int(getpid()) + number) % 20_000)
    if (try? LoopbackSocket(port: port, backlog: nil)) != nil { return port }
  }
  throw Failure("no free port")
}

/// Connects to an endpoint.
///
/// - Throws: A `ConnectError` with the errno value.
package func connect(to endpoint: Endpoint) throws(ConnectError) -> Int32 {
  guard let descriptor = try? makeSocket(endpoint.family) else { throw ConnectError(code: errno) }
  guard endpoint.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
    let error = errno
    close(descriptor)
    throw ConnectError(code: error)
  }
  return descriptor
}

/// Starts to connect with a socket that does not block.
///
/// - Throws: A `Failure` if there are too many descriptors.
package func begin(connectingTo endpoint: Endpoint) throws(Failure) -> Int32 {
  let descriptor = try makeSocket(endpoint.family, blocks: false)
  _ = endpoint.withSockaddr { Glibc.connect(descriptor, $0, $1) }
  return descriptor
}

/// The reason why a connection was not made.
package struct ConnectError: Error {
  /// An errno value.
  package let code: Int32
}

/// Limits the time of each later read and write of the socket.
package func limit(_ socket: Int32, seconds: Int) {
  var limit = timeval(tv_sec: seconds, tv_usec: 0)
  for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
    setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
  }
}

/// Makes close send a reset, so that the connection leaves nothing in TIME_WAIT.
package func resetOnClose(_ socket: Int32) {
  var option = linger(l_onoff: 1, l_linger: 0)
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
}

/// Makes a TCP socket that started programs do not inherit.
///
/// - Throws: A `Failure` if there are too many descriptors.
package func makeSocket(_ family: Int32 = AF_INET, blocks: Bool = true) throws(Failure) -> Int32 {
  let flags = SOCK_CLOEXEC.rawValue | (blocks ? 0 : SOCK_NONBLOCK.rawValue)
  let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | flags), 0)
  guard descriptor >= 0 else { throw Failure("socket: \(text(errno))") }
  return descriptor
}
