import LifecycleModel
import Testing

@testable import HTTP
@testable import Primitives
@testable import Supervision

@Suite struct HealthRequestTests {
  @Test(arguments: [
    ("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", HealthRequest.get(.ready, sendsBody: true)),
    ("GET /livez HTTP/1.0\n\n", .get(.live, sendsBody: true)),
    ("HEAD /metrics HTTP/1.1\r\n\r\n", .get(.metrics, sendsBody: false)),
    ("\r\n\n\r\nGET /status?pretty=1 HTTP/1.1\r\n\r\nGET", .get(.status, sendsBody: true)),
    ("GET http://pod:8086/readyz HTTP/1.1\r\nA:\r\nB:\t\u{e9}\r\n\r\n", .get(.ready, sendsBody: true)),
    ("", .incomplete), ("\r\n", .incomplete), ("G", .incomplete), ("GET /readyz HTTP/1.1\r\n", .incomplete),
    ("GET /readyz HTTP/1.1\r\nHost: a\r\n", .incomplete),
    ("POST /readyz HTTP/1.1\r\n\r\n", .refused(.methodNotAllowed)),
    ("get /readyz HTTP/1.1\r\n\r\n", .refused(.methodNotAllowed)),
    ("GET / HTTP/1.1\r\n\r\n", .refused(.notFound)), ("GET /readyz/ HTTP/1.1\r\n\r\n", .refused(.notFound)),
    ("GET http://h HTTP/1.1\r\n\r\n", .refused(.notFound)),
    ("\u{16}\u{3}\u{1}", .refused(.badRequest)),  // TLS: refused immediately, not after two seconds
    ("GET /readyz\r\n\r\n", .refused(.badRequest)), ("GET  /readyz HTTP/1.1\r\n\r\n", .refused(.badRequest)),
    ("GET /readyz HTTP/2.0\r\n\r\n", .refused(.badRequest)), ("GET /readyz HTTP/1.1 \r\n\r\n", .refused(.badRequest)),
    ("GET /readyz HTTP/1.1\r\nnonsense\r\n\r\n", .refused(.badRequest)),
    ("GET /readyz HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", .refused(.badRequest)),
    ("GET /readyz HTTP/1.1\r\nA: b\0\r\n\r\n", .refused(.badRequest)),
    ("GET /\0 HTTP/1.1\r\n\r\n", .refused(.badRequest)),
  ])
  func `a health request is answered by its method and path, or refused with a status`(
    text: String, request: HealthRequest
  ) { #expect(HealthRequest(Array(text.utf8)) == request) }

  @Test func `the head of a health request may have 2048 bytes`() {
    func head(_ count: Int) -> [UInt8] {
      let start = "GET /readyz HTTP/1.1\r\nA: "
      return Array((start + String(repeating: "a", count: count - start.utf8.count - 4) + "\r\n\r\n").utf8)
    }
    #expect(HealthRequest(head(2048)) == .get(.ready, sendsBody: true))
    #expect(HealthRequest(head(2049)) == .refused(.headTooLarge))
    #expect(HealthRequest(Array(head(3000).prefix(2047))) == .incomplete)
    #expect(HealthRequest(Array(head(3000).prefix(2048))) == .refused(.headTooLarge))
    #expect(HealthRequest([UInt8](repeating: 0x0A, count: 2048)) == .refused(.headTooLarge))
  }
}

@Suite struct HealthAnswerTests {
  private func answer(_ request: HealthRequest, _ content: HealthResponse = .liveness) -> String {
    String(decoding: request.response { _ in content }, as: UTF8.self)
  }

  @Test func `a ready command is answered with 200 and ok`() {
    #expect(
      answer(.get(.ready, sendsBody: true), .readiness(true, .serving))
        == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nCache-Control: no-store\r\n"
        + "Connection: close\r\n\r\nok")
  }

  @Test func `a command that is not ready is answered with 503 and its phase`() {
    let text = answer(.get(.ready, sendsBody: true), .readiness(false, .delaying))
    #expect(text.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
    #expect(text.hasSuffix("\r\n\r\ndelaying"))
  }

  @Test func `HEAD is answered with the length of the body and without it`() {
    let text = answer(.get(.ready, sendsBody: false), .readiness(false, .draining))
    #expect(text.contains("Content-Length: 8\r\n"))
    #expect(text.hasSuffix("\r\n\r\n"))
  }

  @Test func `a refused health request is answered with its status, and 405 with the allowed methods`() {
    #expect(answer(.incomplete) == "")
    #expect(answer(.refused(.methodNotAllowed)).contains("\r\nAllow: GET, HEAD\r\n"))
    for status in [HTTPStatus.badRequest, .notFound, .methodNotAllowed, .headTooLarge] {
      #expect(answer(.refused(status)).hasPrefix("HTTP/1.1 \(status.rawValue) "))
    }
  }
}

@Suite struct HealthAddressTests {
  @Test(arguments: [
    ("8086", [SocketAddress(.v6(high: 0, low: 0), port: 8086), SocketAddress(.v4(0), port: 8086)]),
    ("127.0.0.1:1", [SocketAddress(.loopback4, port: 1)]), ("0.0.0.0:65535", [SocketAddress(.v4(0), port: 65535)]),
    ("[::1]:8086", [SocketAddress(.loopback6, port: 8086)]),
  ])
  func `--health takes a port, or an address with a port`(text: String, candidates: [SocketAddress]) {
    #expect(HealthAddress(text: text)?.candidates == candidates)
  }

  @Test(arguments: [
    "", "0", "65536", ":80", "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "localhost:80", "1.2.3.4:", "80 ",
  ])
  func `an address that --health cannot listen on is refused`(text: String) {
    #expect(HealthAddress(text: text) == nil)
  }

  @Test func `a socket address prints with its port, IPv6 in brackets`() {
    #expect(SocketAddress(.v4(0x7F00_0001), port: 80).description == "127.0.0.1:80")
    #expect(
      SocketAddress(.v6(high: 0x2001_0db8 << 32, low: 0x1_FFFF), port: 1).description == "[2001:db8:0:0:0:0:1:ffff]:1")
    #expect(HealthAddress(text: "8086")?.description == "port 8086")
  }
}

@Suite struct MetricsTests {
  private func metricsText(_ change: (inout StatusSnapshot) -> Void) -> [String] {
    var now = StatusSnapshot(since: .at(1000))
    change(&now)
    let fields = SupervisorInfo(pid: 1, startedAt: .at(0), argv: ["app"], options: RunOptions())
    return String(decoding: Status(info: fields, snapshot: now).prometheusMetrics(at: .at(2500)), as: UTF8.self).split(
      separator: "\n"
    ).map(String.init)
  }

  @Test func `the metrics of a serving command show phase, readiness, times and counters`() {
    let lines = metricsText {
      ($0.phase, $0.isReady, $0.received, $0.forwarded, $0.reaped) = (.serving, true, 3, 2, 1)
    }.filter { !$0.hasPrefix("#") }
    #expect(
      lines == [
        "ebb_info{version=\"\(ebbVersion)\"} 1", "ebb_phase{phase=\"starting\"} 0", "ebb_phase{phase=\"serving\"} 1",
        "ebb_phase{phase=\"delaying\"} 0", "ebb_phase{phase=\"draining\"} 0", "ebb_phase{phase=\"stopping\"} 0",
        "ebb_phase{phase=\"killing\"} 0", "ebb_phase{phase=\"exited\"} 0", "ebb_phase_seconds 1.500", "ebb_ready 1",
        "ebb_uptime_seconds 2.500", "ebb_signals_received_total 3", "ebb_signals_forwarded_total 2",
        "ebb_orphans_reaped_total 1",
      ])
  }

  @Test func `the metrics of a stop show the seconds to forwarding and SIGKILL, negative once passed`() {
    let lines = metricsText {
      $0.phase = .delaying
      $0.stop = .init(
        signal: .sigterm, since: .at(1000), delayEndsAt: .at(6000), forwardAt: .at(6007), forwardedAt: nil)
      $0.killAt = .at(1495)
    }
    #expect(lines.contains("ebb_deadline_seconds{deadline=\"forward\"} 3.507"))
    #expect(lines.contains("ebb_deadline_seconds{deadline=\"kill\"} -1.005"))
    #expect(lines.contains("ebb_ready 0"))
  }

  @Test(arguments: [(Phase.draining, 2000), (.stopping, nil)] as [(Phase, Int?)])
  func `the metrics show no forwarding of a stop signal that was sent, or whose command has exited`(
    _ phase: Phase, forwardedAt: Int?
  ) {
    let lines = metricsText {
      $0.phase = phase
      $0.stop = .init(
        signal: .sigterm, since: .at(1000), delayEndsAt: .at(6000), forwardAt: .at(6000),
        forwardedAt: forwardedAt.map { .at($0) })
      $0.killAt = .at(3500)
    }
    #expect(
      lines.filter { $0.hasPrefix("ebb_deadline_seconds{") } == ["ebb_deadline_seconds{deadline=\"kill\"} 1.000"])
  }
}
