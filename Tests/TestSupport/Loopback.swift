// TCP over the loopback address.

import Glibc

/// A port of the loopback address.
package struct Endpoint: Sendable {
  package let port: UInt16

  package init(port: UInt16) { self.port = port }

  /// As a configuration file takes it: `127.0.0.1:80`.
  package var text: String { "127.0.0.1:\(port)" }

  fileprivate func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}

/// A listener on a free port of the loopback address.
package func listenSomewhere() throws(Failure) -> (socket: Int32, port: UInt16) {
  let listener = try makeSocket()
  let wanted = Endpoint(port: 0)
  var given = sockaddr_in()
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isListening = wanted.withSockaddr { bind(listener, $0, $1) == 0 && listen(listener, 128) == 0 }
  let isKnown = withUnsafeMutablePointer(to: &given) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) == 0 }
  }
  guard isListening, isKnown else {
    let error = errno
    close(listener)
    throw Failure("cannot listen on loopback: \(text(error))")
  }
  return (listener, UInt16(bigEndian: given.sin_port))
}

/// A port of the loopback address that nobody listens on at the moment.
package func freePort() throws(Failure) -> UInt16 {
  let (listener, port) = try listenSomewhere()
  close(listener)
  return port
}

/// A connection, or the errno of why there is none.
package func connect(to endpoint: Endpoint) throws(ConnectError) -> Int32 {
  guard let descriptor = try? makeSocket() else { throw ConnectError(code: errno) }
  guard endpoint.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
    let error = errno
    close(descriptor)
    throw ConnectError(code: error)
  }
  return descriptor
}

/// A connection in the making, which never waits for anything.
package func begin(connectingTo endpoint: Endpoint) throws(Failure) -> Int32 {
  let descriptor = try makeSocket(waits: false)
  _ = endpoint.withSockaddr { Glibc.connect(descriptor, $0, $1) }
  return descriptor
}

/// Why a connection was not made.
package struct ConnectError: Error {
  /// An errno value.
  package let code: Int32
}

/// Sends the whole text; false if the connection does not take it.
package func sendAll(_ text: String, over socket: Int32) -> Bool {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let sent = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if sent < 0 && errno == EINTR { continue }
    if sent <= 0 { return false }
    bytes = bytes.dropFirst(sent)
  }
  return true
}

/// From now on a read or write of the socket fails after this time.
package func limit(_ socket: Int32, seconds: Int) {
  var limit = timeval(tv_sec: seconds, tv_usec: 0)
  for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
    setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
  }
}

private func makeSocket(waits: Bool = true) throws(Failure) -> Int32 {
  let flags = SOCK_CLOEXEC.rawValue | (waits ? 0 : SOCK_NONBLOCK.rawValue)
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | flags), 0)
  guard descriptor >= 0 else { throw Failure("socket: \(text(errno))") }
  return descriptor
}
