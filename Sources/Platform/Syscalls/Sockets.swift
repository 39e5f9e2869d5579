import CPlatform
import Primitives

// TCP sockets, all non-blocking and close-on-exec. Nothing here blocks.

/// Begins to connect; connect(2). The socket becomes writable when the attempt ends; `takeConnectError` returns the
/// result. Throws immediate errors: ECONNREFUSED, EAFNOSUPPORT on a kernel without IPv6, EMFILE.
package func startConnecting(to address: SocketAddress) throws(Errno) -> Int32 {
  let socket = try valueOrErrno { ebb_tcp_socket(address.family) }
  do throws(Errno) {
    try address.withSocketAddress { pointer, length throws(Errno) in
      try valueOrErrno { connect(socket, pointer, length) }
    }
  } catch {
    guard error.code == EINPROGRESS else {
      close(socket)
      throw error
    }
  }
  return socket
}

/// Returns and clears the error of an attempt to connect; `nil`: it is connected. socket(7) SO_ERROR.
///
/// Counts a self-connect as ECONNREFUSED: if no socket listens on a loopback port, the kernel may choose that port as the
/// socket's own, and a simultaneous open connects the two ends; RFC 9293 section 3.5. Such a socket holds the port that
/// the command wants to listen on, so this sets it to leave no TIME_WAIT when closed.
package func takeConnectError(_ socket: Int32, to address: SocketAddress) -> Errno? {
  var code: Int32 = 0
  var length = socklen_t(MemoryLayout<Int32>.size)
  guard getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return .current }
  guard code == 0 else { return Errno(code: code) }
  guard ownPort(of: socket) == address.port else { return nil }
  var reset = linger(l_onoff: 1, l_linger: 0)
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
  return Errno(code: ECONNREFUSED)
}

/// Returns a listening socket with a queue of `backlog` unaccepted connections; socket(2), bind(2), listen(2). `::`
/// accepts IPv4 too. Throws EADDRINUSE, EACCES below port 1024, EADDRNOTAVAIL, EAFNOSUPPORT without IPv6 in the kernel.
package func startListening(on address: SocketAddress, backlog: Int32) throws(Errno) -> Int32 {
  let socket = try valueOrErrno { ebb_tcp_socket(address.family) }
  do throws(Errno) {
    // The port of a container that was just restarted may have connections in TIME_WAIT.
    try setOption(socket, SOL_SOCKET, SO_REUSEADDR, to: 1)
    // The default is that of a sysctl (net.ipv6.bindv6only).
    if address.family == AF_INET6 { try setOption(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: 0) }
    try address.withSocketAddress { pointer, length throws(Errno) in
      try valueOrErrno { bind(socket, pointer, length) }
    }
    try valueOrErrno { CPlatform.listen(socket, backlog) }
  } catch {
    close(socket)
    throw error
  }
  return try movedAboveStandardStreams(socket)
}

/// Returns an unused port of this network namespace, host byte order; bind(2) port 0. Throws as `startListening`.
package func findFreePort() throws(Errno) -> UInt16 {
  let socket = try startListening(on: SocketAddress(.v4(0), port: 0), backlog: 1)
  defer { close(socket) }
  return ownPort(of: socket) ?? 0
}

/// In host byte order; getsockname(2).
private func ownPort(of socket: Int32) -> UInt16? {
  var raw = sockaddr_in6()  // has the port at the offset of sockaddr_in's, and room for both
  var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
  let found = withUnsafeMutableBytes(of: &raw) { bytes in
    guard let base = bytes.baseAddress else { return false }
    return getsockname(socket, base.assumingMemoryBound(to: sockaddr.self), &length) == 0
  }
  return found ? UInt16(bigEndian: raw.sin6_port) : nil
}

private func setOption(_ socket: Int32, _ level: Int32, _ name: Int32, to value: Int32) throws(Errno) {
  var value = value
  try valueOrErrno { setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) }
}

/// Returns the next waiting connection; `nil`: none waits. accept4(2). Throws EMFILE, ENFILE, ENOMEM.
package func acceptConnection(from listener: Int32) throws(Errno) -> Int32? {
  while true {
    do throws(Errno) {
      return try valueOrErrno { ebb_accept(listener) }
    } catch {
      switch error.code {
      case EAGAIN: return nil
      // Errors of one connection that died in the queue. accept(2) recommends to treat them like EAGAIN; the next
      // connection is tried here.
      case ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH: continue
      default: throw error
      }
    }
  }
}

/// Sends as many bytes as fit without blocking; send(2). Returns the number, 0 for none. Throws EPIPE, ECONNRESET.
package func sendBytes(_ bytes: ArraySlice<UInt8>, over socket: Int32) throws(Errno) -> Int {
  do throws(Errno) {
    return try valueOrErrno {
      bytes.withUnsafeBytes { CPlatform.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
  } catch {
    if error.code == EAGAIN { return 0 }
    throw error
  }
}

package enum Received: Sendable {
  case bytes([UInt8])
  /// No bytes are available now.
  case nothing
  /// The peer has closed its side.
  case end
}

/// Returns the available bytes, up to `count`; recv(2). Throws ECONNRESET.
package func receive(upTo count: Int, from socket: Int32) throws(Errno) -> Received {
  do throws(Errno) {
    let bytes: [UInt8] = try readArray(upTo: count) { recv(socket, $0, count, 0) }
    return bytes.isEmpty ? .end : .bytes(bytes)
  } catch {
    if error.code == EAGAIN { return .nothing }
    throw error
  }
}

extension SocketAddress {
  fileprivate var family: Int32 {
    switch address {
    case .v4: AF_INET
    case .v6: AF_INET6
    }
  }

  /// Passes the address in the kernel's form (sockaddr, network byte order); ip(7), ipv6(7). Throws what `body` throws.
  fileprivate func withSocketAddress(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
  ) throws(Errno) {
    switch address {
    case .v4(let number):
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_port = port.bigEndian
      raw.sin_addr.s_addr = number.bigEndian
      try withRaw(&raw, body)
    case .v6(let high, let low):
      var raw = sockaddr_in6()
      raw.sin6_family = sa_family_t(AF_INET6)
      raw.sin6_port = port.bigEndian
      withUnsafeMutableBytes(of: &raw.sin6_addr) { bytes in
        bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      try withRaw(&raw, body)
    }
  }

  private func withRaw<Raw>(
    _ raw: inout Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
  ) throws(Errno) {
    try withUnsafeBytes(of: &raw) { bytes throws(Errno) in
      guard let base = bytes.baseAddress else { return }
      try body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }
}
