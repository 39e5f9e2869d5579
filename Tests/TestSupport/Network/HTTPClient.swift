import Glibc

/// A client of one HTTP server, with optional keep-alive. It reports the exact kind of failure.
package final class HTTPClient {
  private let endpoint: Endpoint
  private let keepsAlive: Bool
  private let timeout: Int
  private var socket: Int32 = -1

  /// The reason why a request did not get a complete response.
  package enum RequestError: Error, Sendable {
    /// No socket listens.
    case refused
    /// The connection was reset, or closed before the response was complete.
    case reset
    /// No byte arrived within the timeout.
    case timeout
    /// The response is not HTTP of known length, or the connection failed for another reason.
    case other
  }

  /// - Parameters:
  ///   - endpoint: The server.
  ///   - keepsAlive: Whether one connection serves many requests.
  ///   - timeout: The seconds without a byte after which a request fails.
  package init(_ endpoint: Endpoint, keepsAlive: Bool = false, timeout: Int = 5) {
    (self.endpoint, self.keepsAlive, self.timeout) = (endpoint, keepsAlive, timeout)
  }

  deinit { closeConnection() }

  /// Sends one GET and reads the whole response.
  ///
  /// - Returns: The status.
  /// - Throws: The kind of failure.
  package func get(_ path: String) throws(RequestError) -> Int {
    if socket >= 0 && isStale { closeConnection() }
    if socket < 0 { try openConnection() }
    do throws(RequestError) {
      let connection = keepsAlive ? "keep-alive" : "close"
      let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: \(connection)\r\n\r\n"
      guard sendAll(request, over: socket) else { throw .reset }
      let (status, closes) = try readAnswer()
      if !keepsAlive || closes { closeConnection() }
      return status
    } catch {
      closeConnection()
      throw error
    }
  }

  private func openConnection() throws(RequestError) {
    do throws(ConnectError) {
      socket = try connect(to: endpoint)
    } catch {
      switch error.code {
      case ECONNREFUSED: throw .refused
      case ECONNRESET: throw .reset
      case ETIMEDOUT: throw .timeout
      default: throw .other
      }
    }
    limit(socket, seconds: timeout)
  }

  private func closeConnection() {
    if socket >= 0 { close(socket) }
    socket = -1
  }

  /// Whether the server has closed the connection: HTTP clients check this before they reuse one.
  private var isStale: Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) >= 0 || errno != EAGAIN
  }

  private func readAnswer() throws(RequestError) -> (status: Int, closes: Bool) {
    var bytes: [UInt8] = []
    var head: AnswerHead?
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      if head == nil { head = AnswerHead(bytes) }
      if let length = head?.length, let end = head?.end, bytes.count >= end + length { break }
      let count = recv(socket, &buffer, buffer.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw errno == EAGAIN ? .timeout : .reset }
      if count == 0 {
        guard let head else { throw bytes.isEmpty ? .reset : .other }
        // Without a length the end of the connection ends the response.
        guard head.length == nil else { throw .reset }
        break
      }
      bytes += buffer[..<count]
    }
    guard let head else { throw .other }
    return (head.status, head.closes || head.length == nil)
  }
}

/// The status line and headers of a response.
private struct AnswerHead {
  let status: Int
  let length: Int?
  let closes: Bool
  /// The offset of the body.
  let end: Int

  /// Returns `nil` if the head is incomplete or invalid.
  init?(_ bytes: [UInt8]) {
    let terminator = Array("\r\n\r\n".utf8)
    guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: terminator) }) else { return nil }
    let lines = String(decoding: bytes[..<at], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count > 1, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    self.status = status
    length = headers["content-length"].flatMap { Int($0) }
    closes = headers["connection"]?.lowercased() == "close"
    end = at + terminator.count
  }
}

/// Returns the status of a GET on a new connection to a port of 127.0.0.1, or `nil` on any failure.
package func get(_ path: String, port: UInt16) -> Int? {
  try? HTTPClient(Endpoint(port: port)).get(path)
}
