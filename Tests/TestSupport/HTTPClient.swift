import Glibc

/// A client of one HTTP server that keeps its connection where it may, and says exactly what went wrong where something
/// did.
package final class HTTPClient {
  private let endpoint: Endpoint
  private let keepsAlive: Bool
  private let patience: Int
  private var socket: Int32 = -1

  /// What became of a request that was not answered in full.
  package enum RequestError: Error, Sendable {
    /// Nobody listens.
    case refused
    /// The connection was reset, or closed before the answer was complete.
    case reset
    /// No answer within the patience.
    case timeout
    /// What came is no HTTP answer of known length, or no connection could be made for another reason.
    case other
  }

  /// - Parameters:
  ///   - endpoint: The server.
  ///   - keepsAlive: Whether one connection serves for many requests.
  ///   - patience: Seconds without a byte after which a request is given up.
  package init(_ endpoint: Endpoint, keepsAlive: Bool = false, patience: Int = 5) {
    (self.endpoint, self.keepsAlive, self.patience) = (endpoint, keepsAlive, patience)
  }

  deinit { hangUp() }

  /// One GET, its answer read to the end.
  ///
  /// - Returns: The status.
  package func get(_ path: String) throws(RequestError) -> Int {
    if socket >= 0 && isStale { hangUp() }
    if socket < 0 { try dial() }
    do throws(RequestError) {
      let connection = keepsAlive ? "keep-alive" : "close"
      let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: \(connection)\r\n\r\n"
      guard sendAll(request, over: socket) else { throw .reset }
      let (status, closes) = try readAnswer()
      if !keepsAlive || closes { hangUp() }
      return status
    } catch {
      hangUp()
      throw error
    }
  }

  private func dial() throws(RequestError) {
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
    limit(socket, seconds: patience)
  }

  private func hangUp() {
    if socket >= 0 { close(socket) }
    socket = -1
  }

  /// Every HTTP client looks, before it uses a connection again, whether the server has closed it meanwhile.
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
        // Without a length the end of the connection is the end of the answer.
        guard head.length == nil else { throw .reset }
        break
      }
      bytes += buffer[..<count]
    }
    guard let head else { throw .other }
    return (head.status, head.closes || head.length == nil)
  }
}

/// The status line and headers of an answer.
private struct AnswerHead {
  let status: Int
  let length: Int?
  let closes: Bool
  /// Where the body begins.
  let end: Int

  /// Nil: not all of it is there, or it is none.
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

/// The status of a GET over a connection of its own to a port of the loopback address; nil for whatever went wrong.
package func get(_ path: String, port: UInt16) -> Int? {
  try? HTTPClient(Endpoint(port: port)).get(path)
}
