import Foundation

/// Sockets by hand: a client that does what no proper one does, and a server that does nothing.
final class RawClient {
  private let descriptor: Int32

  /// - Parameters:
  ///   - port: Of this machine.
  ///   - family: AF_INET for 127.0.0.1, AF_INET6 for ::1.
  ///   - buffer: Bytes that the kernel shall hold for a client that does not read; nil: its own choice.
  /// - Throws: A `Failure` when nobody listens there.
  init(_ port: Int, family: Int32 = AF_INET, buffer: Int32? = nil) throws {
    descriptor = streamSocket(family)
    // It grows no further by itself, and has to be known before the first packet.
    if var buffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size)) }
    var patience = timeval(tv_sec: Int(Clock.limit.components.seconds), tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let connected = withAddress(port, family: family) { connect(descriptor, $0, $1) }
    guard connected == 0 else { throw Failure("connect: errno \(errno)") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) { _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// A GET whose connection stays.
  func ask(_ path: String = "/") { send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n") }

  /// Asks, and waits for the answer.
  func exchange(_ path: String = "/") throws {
    ask(path)
    try expectAnswer()
  }

  /// Waits for the answer of `TestApp serve`, which is the same each time.
  func expectAnswer() throws { _ = try read(upTo: "\r\n\r\nok\n") }

  /// Reads until the text ends with `end`.
  func read(upTo end: String) throws -> String {
    var text = ""
    var chunk = [UInt8](repeating: 0, count: 65536)
    while !text.hasSuffix(end) {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Failure("the connection ended without \(end.debugDescription): \(text)") }
      text += String(decoding: chunk[..<count], as: UTF8.self)
    }
    return text
  }

  /// Takes in `count` bytes, or more.
  func skip(_ count: Int) throws {
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    var left = count
    while left > 0 {
      let count = recv(descriptor, &chunk, min(left, chunk.count), 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Failure("the connection ended \(left) bytes early") }
      left -= count
    }
  }

  /// Closes this side, and can still read.
  func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// All that comes until the other end closes; a reset is an end too.
  func readToEnd() -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  /// Whether the other end has closed.
  var isClosed: Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
    return count == 0 || (count < 0 && errno != EAGAIN)
  }

  /// Closes without a farewell: the other end gets a reset.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// One proper request. Status 0: nobody listens, or the connection was lost.
  static func get(_ port: Int, _ path: String) throws -> (status: Int, body: String) {
    guard let client = try? RawClient(port) else { return (0, "") }
    client.ask(path)
    let answer = client.readToEnd()
    let parts = answer.components(separatedBy: "\r\n\r\n")
    guard parts.count > 1, let status = Int(answer.split(separator: " ").dropFirst().first ?? "") else {
      return (0, "")
    }
    return (status, parts.dropFirst().joined(separator: "\r\n\r\n"))
  }
}

/// Listens on a port of 127.0.0.1, or of ::1 for AF_INET6, and never answers.
final class SilentListener {
  let port: Int
  private let descriptor: Int32

  init(family: Int32 = AF_INET) throws {
    descriptor = streamSocket(family)
    port = try Client.freePort()
    let bound = withAddress(port, family: family) { bind(descriptor, $0, $1) }
    // Longer than anybody asks: a full queue would look like a lost connection.
    guard bound == 0, listen(descriptor, 1024) == 0 else { throw Failure("listen: errno \(errno)") }
  }

  deinit { close(descriptor) }
}

/// A TCP socket. Close-on-exec, or what another test starts at this moment would have it for a while, and it would live
/// on when this test has closed it.
func streamSocket(_ family: Int32 = AF_INET) -> Int32 {
  socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
}

private func withAddress(
  _ port: Int, family: Int32 = AF_INET, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
  guard family == AF_INET else {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = UInt16(port).bigEndian
    address.sin6_addr = in6addr_loopback
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
  }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
