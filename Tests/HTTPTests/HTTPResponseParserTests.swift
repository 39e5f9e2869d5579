import Testing

@testable import HTTP
@testable import Primitives

@Suite struct HTTPResponseParserTests {
  /// Parses a response in pieces of `pieces` bytes, and the end of the connection if `ends`.
  private func read(_ text: String, pieces: Int, ends: Bool = false) -> HTTPResponseParser {
    var response = HTTPResponseParser()
    var remaining = Array(text.utf8)[...]
    while !remaining.isEmpty {
      response.take(Array(remaining.prefix(pieces)))
      remaining = remaining.dropFirst(pieces)
    }
    if ends { response.end() }
    return response
  }

  @Test(
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", 200, true),
      ("HTTP/1.1 200 OK\ncontent-length:0\n\n", 200, true),
      ("HTTP/1.1 204 No Content\r\n\r\n", 204, true), ("HTTP/1.1 304 x\r\nContent-Length: 99\r\n\r\n", 304, true),
      ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n", 200, false),
      ("HTTP/1.0 503 x\r\nContent-Length: 1\r\n\r\nx", 503, false),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 x\r\nContent-Length: 1\r\n\r\nx", 500, true),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nok\n\r\n1F\r\n\(thirtyOne)\r\n0\r\n\r\n", 200,
        true
      ),
      (
        "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING:  chunked\r\nContent-Length: 1\r\n\r\n0\r\nTrailer: x\r\n\r\n", 200, true
      ),
    ], [1, 2, 7, 1000])
  func `a response cut into pieces of any size is complete at its last byte and not before`(
    _ answer: (text: String, status: Int, reusable: Bool), pieces: Int
  ) {
    let response = read(answer.text, pieces: pieces)
    #expect(response.state == .complete && response.status == answer.status, "\(response)")
    #expect(response.isReusable == answer.reusable)
    #expect(read(String(answer.text.dropLast()), pieces: pieces, ends: true).state == .incomplete)
  }

  private static let thirtyOne = String(repeating: "x", count: 31)

  @Test func `a response without a length is complete when the server closes the connection`() {
    let text = "HTTP/1.1 200 OK\r\n\r\nsome"
    #expect(read(text, pieces: 5).state == .incomplete)
    let response = read(text, pieces: 5, ends: true)
    #expect(response.state == .complete)
    #expect(!response.isReusable)
    #expect(read("HTTP/1.1 200 OK\r\n", pieces: 5, ends: true).state == .incomplete)
  }

  @Test(arguments: [
    "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 204 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1234567890123456\r\n",
    "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 3000),
  ])
  func `bytes that are not an HTTP/1 response are malformed`(_ text: String) {
    #expect(read(text, pieces: 1).state == .malformed)
    #expect(read(text, pieces: 1 << 20, ends: true).state == .malformed)
  }

  @Test func `bytes behind a complete response make its connection unusable for another request`() {
    #expect(!read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", pieces: 100).isReusable)
  }

  @Test func `a response begins with its first byte`() {
    #expect(!HTTPResponseParser().hasBegun)
    #expect(read("H", pieces: 1).hasBegun)
  }
}
