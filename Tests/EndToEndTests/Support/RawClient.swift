import Foundation
import TestSupport

/// A TCP client that controls each byte: it can stay silent, half-close, reset, or leave its response unread.
final class RawClient {
  private let descriptor: Int32

  /// - Parameters:
  ///   - port: A port of this machine.
  ///   - family: AF_INET for 127.0.0.1, AF_INET6 for ::1.
  ///   - buffer: The size in bytes of the receive buffer; `nil`: the kernel's choice.
  /// - Throws: A `Failure` if no socket listens there.
  init(_ port: Int, family: Int32 = AF_INET, buffer: Int32? = nil) throws {
    descriptor = try makeSocket(family)
    // A size that is set does not grow. It must be set before the first packet.
    if var buffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, socklen_t(MemoryLayout<Int32>.size)) }
    limit(descriptor, seconds: Int(Clock.limit.components.seconds))
    let connected = Endpoint(port: UInt16(port), family: family).withSockaddr { connect(descriptor, $0, $1) }
    guard connected == 0 else { throw Failure("connect: errno \(errno)") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) { _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// Sends a GET on a connection that stays open.
  func ask(_ path: String = "/") { send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n") }

  /// Sends a GET and waits for the response.
  func exchange(_ path: String = "/") throws {
    ask(path)
    try expectAnswer()
  }

  /// Waits for the response of `TestApp serve`, which is always the same.
  func expectAnswer() throws { _ = try read(upTo: "\r\n\r\nok\n") }

  /// Receives what has arrived; empty at the end of the connection. A reset is an end too.
  private func receive(_ count: Int = 65536) -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: count)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count >= 0 || errno != EINTR { return Array(chunk.prefix(max(0, count))) }
    }
  }

  /// Reads until the text ends with `end`.
  ///
  /// - Throws: A `Failure` if the connection ends first.
  func read(upTo end: String) throws -> String {
    var text = ""
    while !text.hasSuffix(end) {
      let bytes = receive()
      guard !bytes.isEmpty else { throw Failure("the connection ended without \(end.debugDescription): \(text)") }
      text += String(decoding: bytes, as: UTF8.self)
    }
    return text
  }

  /// Reads and discards `count` bytes.
  ///
  /// - Throws: A `Failure` if the connection ends first.
  func skip(_ count: Int) throws {
    var left = count
    while left > 0 {
      let bytes = receive(min(left, 1 << 20))
      guard !bytes.isEmpty else { throw Failure("the connection ended \(left) bytes early") }
      left -= bytes.count
    }
  }

  /// Half-closes the connection: this side can still read.
  func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads until the other side closes or resets the connection.
  func readToEnd() -> String {
    var all: [UInt8] = []
    while case let bytes = receive(), !bytes.isEmpty { all += bytes }
    return String(decoding: all, as: UTF8.self)
  }

  /// Whether the other side has closed the connection.
  var isClosed: Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
    return count == 0 || (count < 0 && errno != EAGAIN)
  }

  /// Resets the connection.
  func reset() {
    resetOnClose(descriptor)
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Sends one GET and returns the response. Status 0: no socket listens, or the connection was lost.
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
