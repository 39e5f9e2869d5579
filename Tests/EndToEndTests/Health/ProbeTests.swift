import Foundation
import TestSupport
import Testing

/// `ebb probe`: the exit code, and the line that names the reason.
@Suite(.endsItsProcesses)
struct ProbeTests {
  @Test(arguments: PIDRole.possible)
  func `ebb probe succeeds before a stop and fails during it, and --live succeeds in both`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "20s"], testApp("signals"), in: place)
    let ready = try CommandResult.ebb("probe", about: run)
    #expect(ready.exit == .code(0) && ready.out == "" && ready.err == "", "\(ready)")
    try run.send(.sigterm)
    try run.line("", on: run.err)
    let stopping = try CommandResult.ebb("probe", about: run)
    #expect(stopping.exit == .code(1) && stopping.out.hasSuffix("s ago\n"), "\(stopping)")
    #expect(try stopping.out.span(after: "not ready: delaying, the stop began ") < .seconds(20), "\(stopping)")
    #expect(stopping.out.split(separator: "\n").count == 1)
    #expect(stopping.err == "")
    #expect(try CommandResult.ebb("probe", "--live", about: run).exit == .code(0))
  }

  /// Runs a probe with a timeout that does not pass.
  private func probe(_ words: String..., about run: Run) throws -> CommandResult {
    try CommandResult.ebb(["probe", "--timeout", "30s"] + words, about: run)
  }

  @Test func `ebb probe --tcp and --http check the command while it serves`() throws {
    let run = try Run.ebb(["--delay", "20s"], testApp("serve", "0"))
    let port = try run.line("listening").number("port")
    let url = "http://localhost:\(port)/"
    #expect(try probe("--tcp", "\(port)", about: run).exit == .code(0))
    #expect(try probe("--http", url, "--header", "X-Probe: yes", about: run).exit == .code(0))
    #expect(try probe("--live", "--http", url, about: run).exit == .code(0))
    let slow = try CommandResult.ebb("probe", "--http", url + "delay/30", "--timeout", "100ms", about: run)
    #expect(slow.exit == .code(1) && slow.out == "not ready: 127.0.0.1:\(port): no response in time\n", "\(slow)")
    try run.send(.sigterm)
    try run.line("", on: run.err)
    #expect(try probe("--tcp", "\(port)", about: run).out.hasPrefix("not ready: delaying, "))
    #expect(try probe("--live", "--tcp", "\(port)", about: run).exit == .code(0))
  }

  @Test func `ebb probe --http accepts status 2xx and 3xx and names any other response`() throws {
    let run = try Run.ready([], testApp("stay"))
    let answers: [(String, String?)] = [
      ("HTTP/1.1 204 No Content\r\n\r\n", nil), ("HTTP/1.0 302 Found\r\n", nil), ("HTTP/1.1 503 Busy\r\n", "HTTP 503"),
      ("HTTP/1.1 404\r\n", "HTTP 404"), ("SSH-2.0-x\r\n", "no HTTP answer"),
      ("", "connection closed without a response"),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", nil),
      (String(repeating: "HTTP/1.1 100 x\r\n\r\n", count: 900), "no HTTP answer"),
    ]
    for (text, problem) in answers {
      let server = try OneAnswer(text)
      let answer = try probe("--http", "http://127.0.0.1:\(server.port)/x", about: run)
      #expect(answer.exit == .code(problem == nil ? 0 : 1), "\(text) \(answer)")
      #expect(answer.out == (problem.map { "not ready: 127.0.0.1:\(server.port): \($0)\n" } ?? ""))
      #expect(server.request.hasPrefix("GET /x HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    }
  }

  @Test func `ebb probe names a refused connection and a response that is late`() throws {
    let run = try Run.ready([], testApp("stay"))
    let silent = try LoopbackSocket()
    let begun = Clock.now()
    let answer = try CommandResult.ebb(
      "probe", "--http", "http://127.0.0.1:\(silent.port)/", "--timeout", "200ms", about: run)
    #expect(answer.out == "not ready: 127.0.0.1:\(silent.port): no response in time\n")
    #expect(answer.exit == .code(1))
    #expect(Clock.now() - begun >= .milliseconds(200))
    let deaf = try LoopbackSocket(backlog: nil)
    let refused = try probe("--tcp", "\(deaf.port)", about: run)
    #expect(
      refused.out == "not ready: 127.0.0.1:\(deaf.port): Connection refused\n" && refused.exit == .code(1),
      "\(refused)")
    withExtendedLifetime((silent, deaf)) {}
  }

  @Test func `ebb probe exits with 125 if the supervisor is missing or unreadable`() throws {
    let none = try CommandResult(try Run.ebb(arguments: ["probe", "--pid", "4194304"]))
    #expect(none.exit == .code(125))
    #expect(none.out == "")
    #expect(none.err == "ebb: there is no process 4194304 here\n")
    let run = try Run.ready([], testApp("stay"))
    try run.waitForPage(of: run.pid)
    let poor = try CommandResult(
      try Run.ebb(arguments: ["probe", "--pid", "\(run.pid)"], .launch("--rlimit-nofile", "4")))
    #expect(poor.exit == .code(125), "\(poor)")
    #expect(poor.err == "ebb: cannot inspect process \(run.pid): Too many open files\n")
  }
}

/// A server that sends one fixed response and closes the connection.
private final class OneAnswer: @unchecked Sendable {
  let port: UInt16
  private let done = DispatchSemaphore(value: 0)
  private var heard = ""

  init(_ text: String) throws {
    let listener = try LoopbackSocket()
    port = listener.port
    Thread.detachNewThread { [self] in
      let connection = accept(listener.descriptor, nil, nil)
      var bytes = [UInt8](repeating: 0, count: 4096)
      heard = String(decoding: bytes[..<max(0, read(connection, &bytes, bytes.count))], as: UTF8.self)
      _ = send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL))
      close(connection)
      done.signal()
    }
  }

  /// Waits for the request and returns it.
  var request: String {
    _ = done.wait(timeout: .now() + 60)
    return heard
  }
}
