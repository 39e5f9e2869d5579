import Foundation
import TestSupport
import Testing

/// The endpoint of `--health`.
@Suite(.endsItsProcesses)
struct HealthTests {
  private func started(_ options: [String] = [], in place: PIDRole = .subreaper) throws -> (run: Run, port: Int) {
    let port = try Client.freePort()
    let run = try Run.ready(["--health", "\(port)", "--delay", "0"] + options, testApp("signals"), in: place)
    return (run, port)
  }

  private func curl(_ arguments: String...) throws -> String {
    let run = try Run.program([installed("curl"), "-q", "-s", "--max-time", "20"] + arguments)
    _ = try run.exit()
    return run.out.text
  }

  @Test(.needs(.program("curl")), arguments: PIDRole.possible)
  func `curl gets the documented status and body from each health path`(place: PIDRole) throws {
    let (run, port) = try started(in: place)
    let url = "http://127.0.0.1:\(port)"
    #expect(try curl("-i", url + "/readyz").hasPrefix("HTTP/1.1 200 OK\n"))
    #expect(try curl("-i", url + "/readyz?verbose").hasSuffix("\n\nok"))
    #expect(try curl(url + "/livez") == "ok")
    #expect(try curl("-I", url + "/readyz").contains("Content-Length: 2\n"))
    let codes = ["-o", "/dev/null", "-w", "%{http_code} "]
    func code(_ arguments: String...) throws -> String {
      let run = try Run.program([installed("curl"), "-q", "-s"] + codes + arguments)
      _ = try run.exit()
      return run.out.text
    }
    #expect(try code(url + "/") == "404 ")
    #expect(try code("-X", "POST", url + "/readyz") == "405 ")
    // With a raw client, because ebb responds before the upload is complete, which curl may report as a failure.
    let upload = try RawClient(port)
    upload.send("POST /readyz HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + String(repeating: "x", count: 100_000))
    #expect(upload.readToEnd().hasPrefix("HTTP/1.1 405 "))
    #expect(try code("-H", "X: " + String(repeating: "x", count: 3000), url + "/readyz") == "431 ")
    #expect(try code("--http1.0", url + "/livez") == "200 ")
    let status = try curl(url + "/status").jsonObject()
    #expect(status["phase"] as? String == "serving")
    #expect(status["ready"] as? Bool == true)
    // Command lines may contain secrets, and a client must not trigger a scan of all processes.
    #expect(status["processes"] is NSNull)
    #expect((status["command"] as? [String: Any])?["argv"] is NSNull)
    try run.stop(.code(0))
  }

  @Test(.needs(.program("curl")), .needs(.ipv6)) func `the health port answers over IPv4 and IPv6`() throws {
    let (_, port) = try started()
    #expect(try curl("http://[::1]:\(port)/readyz") == "ok")
    #expect(try curl("http://127.0.0.1:\(port)/readyz") == "ok")
  }

  @Test(.needs(.program("promtool"))) func `promtool accepts the metrics before and during a stop`() throws {
    let (run, port) = try started(["--delay", "20s"])
    try run.deliver(.sigusr1)
    for phase in ["serving", "delaying"] {
      if phase == "delaying" {
        try run.send(.sigterm)
        try run.line("ebb:", on: run.err)
      }
      let text = try RawClient.get(port, "/metrics").body
      #expect(text.contains("ebb_phase{phase=\"\(phase)\"} 1\n"))
      #expect(text.contains("ebb_signals_forwarded_total 1\n"))
      #expect(text.contains("ebb_deadline_seconds{deadline=\"kill\"} ") == (phase == "delaying"))
      let setup = LaunchOptions(typesInput: true)
      let check = try Run.program([installed("promtool"), "check", "metrics"], setup)
      try check.type(text)
      check.closeInput()
      try check.expect(.code(0))
      #expect(check.out.text + check.err.text == "")
    }
  }

  @Test(.mostlyWaits) func `the health endpoint answers until ebb exits`() throws {
    let port = try Client.freePort()
    let options = ["--health", "\(port)", "--delay", "0", "--grace", "10s"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"))
    try run.deliver(.sigterm)
    #expect(try RawClient.get(port, "/readyz") == (503, "stopping"))
    #expect(try RawClient.get(port, "/livez") == (200, "ok"))
    try run.expect(.code(137))
    #expect(try RawClient.get(port, "/livez").status == 0)
  }

  @Test func `the command does not inherit the health socket`() throws {
    let run = try Run.ebb(["--health", "\(try Client.freePort())", "--delay", "0"], testApp("report"))
    try run.expect(.code(0))
    #expect(run.out.lines.contains("descriptors: 0 1 2"))
  }

  @Test func `with standard error closed no log line reaches a health client`() throws {
    let port = try Client.freePort()
    let launch = ["--close", "0", "--close", "1", "--close", "2"]
    let run = try Run.ebb(
      ["--health", "\(port)", "-vv", "--delay", "0"], ["sleep", "60"], LaunchOptions(launch: launch))
    try Clock.wait(for: "an answer") { try RawClient.get(port, "/readyz") == (200, "ok") }
    try run.stop(.code(143))
  }

  @Test func `a health port in use is a fatal error before the command starts`() throws {
    let other = try LoopbackSocket()
    let run = try Run.ebb(["--health", "127.0.0.1:\(other.port)"], testApp("exit", "0"))
    try run.expect(.code(125))
    #expect(
      run.err.text == "ebb: fatal: cannot listen on 127.0.0.1:\(other.port) for --health: Address already in use\n")
  }

  @Test func `without --health ebb opens no socket`() throws {
    let run = try Run.ready([], testApp("signals"))
    #expect(!Proc.descriptors(of: run.pid).values.contains { $0.hasPrefix("socket:") })
  }
}

/// Malicious and broken clients of the health endpoint.
@Suite(.endsItsProcesses)
struct HealthAttackTests {
  private func started(_ options: [String] = [], _ setup: LaunchOptions = LaunchOptions()) throws -> (
    run: Run, port: Int
  ) {
    let port = try Client.freePort()
    let run = try Run.ready(["--health", "\(port)", "--delay", "0"] + options, testApp("signals"), setup)
    try Clock.wait(for: "the endpoint") { try RawClient.get(port, "/livez").status == 200 }
    return (run, port)
  }

  @Test func `1000 slow health clients keep no other client out and are dropped`() throws {
    let (run, port) = try started()
    let before = Proc.anonymousKilobytes(of: run.pid)
    var clients: [RawClient] = []
    for number in 0..<1000 {
      let client = try RawClient(port)
      if number % 3 == 1 { client.send("GET /readyz HTT") }
      if number % 3 == 2 { client.send(String(repeating: "x", count: 2000)) }
      clients.append(client)
      if number >= 900 { continue }
      clients.removeAll { $0.isClosed }  // the test has a descriptor limit too
    }
    #expect(try RawClient.get(port, "/readyz") == (200, "ok"))
    try run.deliver(.sigusr1)
    #expect(Proc.descriptors(of: run.pid).count < 90)
    #expect(Proc.anonymousKilobytes(of: run.pid) < before + 256)
    try Clock.wait(for: "all clients to be dropped") {
      clients.removeAll { $0.isClosed }
      return clients.isEmpty
    }
    try Clock.wait(for: "their descriptors") { Proc.descriptors(of: run.pid).count < 20 }
  }

  @Test func `a health client that sends single bytes is dropped after 2 s`() throws {
    let (_, port) = try started()
    let begun = Clock.now()
    let client = try RawClient(port)
    try Clock.wait(for: "the client to be dropped") {
      client.send("G")
      return client.isClosed
    }
    #expect(Clock.now() - begun >= .milliseconds(1900))
  }

  @Test(arguments: [
    ("\u{16}\u{3}\u{1}\u{2}", "HTTP/1.1 400 "), ("GET /readyz\r\n\r\n", "HTTP/1.1 400 "),
    ("GET /readyz HTTP/1.1\r\nno header\r\n\r\n", "HTTP/1.1 400 "),
    (String(repeating: "A", count: 2048), "HTTP/1.1 431 "),
    ("GET /readyz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 "),
  ])
  func `an invalid health request is refused and a minimal one is answered`(request: String, answer: String) throws {
    let (run, port) = try started()
    let client = try RawClient(port)
    client.send(request)
    #expect(client.readToEnd().hasPrefix(answer))
    #expect(run.poll() == nil)
  }

  @Test func `an overlong health request gets status 431 even if the client keeps sending`() throws {
    let (run, port) = try started()
    let descriptors = Proc.descriptors(of: run.pid).count
    for _ in 0..<50 {
      let client = try RawClient(port)
      client.send("GET /readyz HTTP/1.1\r\nX: " + String(repeating: "x", count: 30_000))
      client.send(String(repeating: "y", count: 20_000))
      #expect(client.readToEnd().hasPrefix("HTTP/1.1 431 "))
    }
    // ebb stops reading a request that does not end.
    let endless = try RawClient(port)
    try Clock.wait(for: "the client to be dropped") {
      endless.send(String(repeating: "z", count: 4096))
      return Proc.descriptors(of: run.pid).count <= descriptors
    }
  }

  @Test func `health clients that reset in mid-request leave no descriptor open`() throws {
    let (run, port) = try started()
    let request = Array("GET /metrics HTTP/1.1\r\n\r\n".utf8)
    for round in 0..<2000 {
      let client = try RawClient(port)
      client.send(Array(request.prefix(round % (request.count + 1))))
      client.reset()
    }
    #expect(try RawClient.get(port, "/readyz").status == 200)
    try Clock.wait(for: "the descriptors") { Proc.descriptors(of: run.pid).count < 20 }
    try run.stop(.code(0))
  }

  @Test func `an idle health endpoint causes no context switch`() throws {
    let (run, port) = try started()
    let slow = try RawClient(port)
    try Clock.wait(for: "the client to be dropped") { slow.isClosed }
    let before = try Proc.settle(run.pid)
    // Not a wait for a condition: the time over which context switches are counted.
    sleep(3)
    #expect(Proc.contextSwitches(of: run.pid) == before)
  }

  @Test func `with 16 descriptors and silent health clients ebb runs the hook and kills leftovers`() throws {
    let port = try Client.freePort()
    let options = [
      "--health", "\(port)", "--delay", "0", "--leftover-timeout", "500ms", "--pre-stop", "echo hooked", "--log",
      "json", "--kill-margin", "10s",
    ]
    let script = "trap '' HUP; setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 60; done' & wait"
    let run = try Run.ready(options, ["sh", "-c", script], .launch("--rlimit-nofile", "16"))
    let silent = try (0..<20).map { _ in try RawClient(port) }
    #expect(try RawClient.get(port, "/readyz").status == 200)
    let another = try RawClient(port)
    try run.stop(.code(143))
    #expect(run.err.text.contains("hooked\n"))
    #expect(!run.err.text.contains("unkillable"), "\(run)")
    withExtendedLifetime((silent, another)) {}
  }

  @Test(.needs(.program("curl")))
  func `continuous health requests do not hold up signals`() throws {
    let (run, port) = try started()
    // Without pauses, so that a request is in flight at every signal.
    let curl = [installed("curl"), "-q", "-s", "-o", "/dev/null", "-w", "asked\n"]
    let other = try Run.program(curl + ["http://127.0.0.1:\(port)/readyz?[1-1000000]"])
    try other.line("asked")
    let end = Clock.now() + .seconds(2)
    var requests = 0
    var slowest = Duration.zero
    while Clock.now() < end || requests < 500 {
      for _ in 0..<50 {
        let status = try RawClient.get(port, "/readyz").status
        try #require(status == 200)
        requests += 1
      }
      let sent = try run.deliver(.sigusr1)
      slowest = max(slowest, Clock.now() - sent)
      other.out.read()
    }
    #expect(other.poll() == nil)
    #expect(slowest < .seconds(10))
  }
}
