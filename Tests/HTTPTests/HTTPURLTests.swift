import Testing

@testable import HTTP
@testable import Primitives

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("127.0.0.1", IPAddress.loopback4), ("0.0.0.0", .v4(0)), ("255.1.2.3", .v4(0xFF01_0203)), ("::1", .loopback6),
    ("::", .v6(high: 0, low: 0)), ("1::", .v6(high: 1 << 48, low: 0)),
    ("2001:db8::Ff00:42:8329", .v6(high: 0x2001_0db8_0000_0000, low: 0x0000_FF00_0042_8329)),
    ("1:2:3:4:5:6:7:8", .v6(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0008)),
    ("::ffff:10.0.0.1", .v6(high: 0, low: 0xFFFF_0A00_0001)),
    ("1:2:3:4:5:6:7::", .v6(high: 0x1_0002_0003_0004, low: 0x5_0006_0007_0000)),
  ])
  func `an IPv4 or IPv6 address is parsed`(text: String, address: IPAddress) {
    #expect(IPAddress(text: text.utf8) == address)
  }

  @Test(arguments: [
    "", ".", "1", "127.1", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.", "-1.2.3.4", "1.2.3.4 ", ":", ":::", "1:2",
    "::1::",
    "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "::1%eth0", "[::1]", "1.2.3.4::", "::1.2.3",
    "1::2:3:4:5:6:7:8",
    "0000:0000:0000:0000:0000:0000:255.255.255.2555", "localhost",
  ])
  func `a text that is not an IP address is refused`(text: String) { #expect(IPAddress(text: text.utf8) == nil) }
}

@Suite struct HTTPURLTests {
  @Test func `a URL with an address, a port, a path and a query keeps all four`() throws {
    let url = try #require(HTTPURL(text: "http://127.0.0.1:8080/health?a=b/c"))
    #expect(url.addresses == [SocketAddress(.loopback4, port: 8080)])
    #expect(url.path == "/health?a=b/c")
    #expect(url.hostHeader == "127.0.0.1:8080")
  }

  @Test func `localhost without port and path is port 80 of both loopback addresses, ::1 first`() throws {
    let url = try #require(HTTPURL(text: "HTTP://LocalHost"))
    #expect(url.addresses == [SocketAddress(.loopback6, port: 80), SocketAddress(.loopback4, port: 80)])
    #expect(url.path == "/")
    #expect(url.hostHeader == "LocalHost")
  }

  @Test func `a URL with a query and no path requests the root path`() {
    #expect(HTTPURL(text: "http://localhost:1?x")?.path == "/?x")
  }

  @Test func `an IPv6 address in brackets is parsed and kept in the Host header`() throws {
    let url = try #require(HTTPURL(text: "http://[::1]:81/"))
    #expect(url.addresses == [SocketAddress(.loopback6, port: 81)])
    #expect(url.hostHeader == "[::1]:81")
  }

  @Test(arguments: [
    "", "http:", "http://", "http:///x", "https://localhost/", "localhost:80", "http://localhost:",
    "http://localhost:0",
    "http://localhost:65536", "http://localhost:80x", "http://example.com/", "http://user@localhost/", "http://::1/",
    "http://[::1",
    "http://[127.0.0.1]/", "http://[::1]80/", "http://localhost/a b", "http://localhost/\r\nX: y", "http://localhost/ä",
    "http://localhost/#top", "http://localhost\0/",
  ])
  func `a URL that ebb cannot request without a name server or TLS is refused`(text: String) {
    #expect(HTTPURL(text: text) == nil)
  }
}

@Suite struct HTTPClientTests {
  @Test func `a request names the host of its URL unless a header was given for it`() throws {
    let url = try #require(HTTPURL(text: "http://localhost:8080/ready"))
    let text = String(decoding: url.getRequest(headers: ["Accept-Language: de"]), as: UTF8.self)
    #expect(
      text == "GET /ready HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: ebb/\(ebbVersion)\r\nAccept: */*\r\n"
        + "Connection: close\r\nAccept-Language: de\r\n\r\n")
    let other = String(decoding: url.getRequest(headers: ["hOST: example.com"]), as: UTF8.self)
    #expect(!other.contains("Host: localhost"))
    #expect(other.contains("\r\nhOST: example.com\r\n"))
  }

  @Test(arguments: ["Host: x", "X-A:", "a:b c\td"]) func `a well-formed header line is accepted`(line: String) {
    #expect(isHTTPHeader(line.utf8))
  }
  @Test(arguments: ["", ":", "a", ": b", "a b: c", "A: b\r\nC: d", "A: b\n", "ä: b", "A\0: b"])
  func `a header line that is malformed or begins another line is refused`(line: String) {
    #expect(!isHTTPHeader(line.utf8))
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\n", HTTPStatusLine.status(200)), ("HTTP/1.0 503 \r\n", .status(503)),
    ("HTTP/1.1 404\n", .status(404)),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n", .status(204)),
    ("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 100 x\n\nHTTP/1.1 301 \r\n", .status(301)),
    ("HTTP/1.1 100 Continue\r\n\r\n", .incomplete), ("HTTP/1.1 100 Continue\r\n", .incomplete),
    ("", .incomplete), ("HTT", .incomplete), ("HTTP/1.1 20", .incomplete), ("HTTP/1.1 200", .incomplete),
    ("HTTP/2 200\r\n......", .malformed), ("HTTP/1.1 2000\r\n", .malformed), ("HTTP/1.x 200 OK", .malformed),
    ("HTTP/1.1  200 OK", .malformed), ("HTTP/1.1 099 OK", .malformed), ("HTTP/1.1 600 OK", .malformed),
    ("SSH-2.0-OpenSSH_9.2\r\n", .malformed), ("\0", .malformed),
  ])
  func `a status line is read once it is complete, and interim responses are skipped`(
    text: String, answer: HTTPStatusLine
  ) { #expect(HTTPStatusLine(Array(text.utf8)) == answer) }

  @Test func `a response of 2xx or 3xx passes a probe, any other fails it`() {
    for status in [200, 204, 301, 399] { #expect(HTTPStatusLine.status(status).isGood) }
    for status in [400, 404, 500, 503] { #expect(!HTTPStatusLine.status(status).isGood) }
    #expect(!HTTPStatusLine.incomplete.isGood)
    #expect(!HTTPStatusLine.malformed.isGood)
  }
}
