import Glibc
import TestSupport
import Synchronization

/// A thousand clients of the health endpoint send a byte now and then and reconnect when they are disconnected. They
/// may not delay the stop signal or the deadline, and a prober must get its response within the kubelet's second. If
/// they fill the listen queue, the kernel drops a prober's SYN, which is retransmitted after 1 s. So the delay is
/// longer than the longest wait of a prober, and the measuring one is back before it ends.
func stopsAmongSlowClients(_ options: Options) throws(Failure) -> FaultResult {
  let tries = options.times(50, quick: 3)
  var lost = 0
  var prober = Prober()
  var forwarded: [Double] = []
  var killed: [Double] = []
  for _ in 0..<tries {
    let endpoint = Endpoint(port: try freePort())
    let words = ["--health", endpoint.text, "--delay", "4500ms", "--drain", "time", "--ports", "1"]
    let ebb = [options.ebb] + words + ["--grace", "300ms", "-t", "10s", "--"]
    let run = try SupervisedProcess(ebb + [options.testApp, "signals", "--ignore-term"])
    try run.line("ready")
    let clients = SlowClients(1000, endpoint)
    defer { clients.end() }
    sleep(nanoseconds: 500_000_000)

    var isGood = true
    for _ in 0..<20 where !prober.hears(200, from: endpoint) { isGood = false }
    let sent = now()
    run.process.signal(SIGTERM)
    // The signal and the first of these requests are sent at the same time.
    while now() - sent < 100_000_000, get("/readyz", port: endpoint.port) != 503 {}
    for _ in 0..<20 where now() - sent < 1_000_000_000 && !prober.hears(503, from: endpoint) { isGood = false }
    try run.line("got TERM")
    forwarded.append(Double(now() - sent - 4_500_000_000))
    let ending = run.process.ending(within: 9000)
    killed.append(Double(now() - sent - 4_800_000_000))
    if !isGood || ending != .code(137) { lost += 1 }
  }
  let late = [forwarded, killed].map { "\(fixed(($0.max() ?? 0) / 1e6, 1)) ms" }
  let earliest = min(forwarded.min() ?? 0, killed.min() ?? 0)
  return FaultResult(
    "stop with 1000 slow clients at the health endpoint", tried: tries, lost: lost,
    measured: "signal late by \(late[0]) at most, exit by \(late[1]), \(prober.summary)",
    bar: "never early, late by 100 ms at most",
    reached: earliest >= 0 && max(forwarded.max() ?? 0, killed.max() ?? 0) <= 100e6)
}

/// Probes like a kubelet: three wrong, missing or late (1 s) responses in a row are a failure. A client that sends its
/// request slowly may be disconnected among the others.
private struct Prober {
  private var asked = 0
  private var repeated = 0
  private var slowest: Int64 = 0

  mutating func hears(_ status: Int, from endpoint: Endpoint) -> Bool {
    asked += 1
    for _ in 0..<3 {
      let begin = now()
      let answer = get("/readyz", port: endpoint.port)
      let time = now() - begin
      slowest = max(slowest, time)
      if answer == status && time < 1_000_000_000 { return true }
      repeated += 1
    }
    return false
  }

  var summary: String {
    "\(asked) probes answered within \(fixed(Double(slowest) / 1e6, 0)) ms, \(repeated) asked again"
  }
}

/// Slow clients in one thread.
private final class SlowClients: Sendable {
  private let isOver = Atomic(false)
  private let thread: Mutex<WorkerThread<Void>?> = Mutex(nil)

  init(_ count: Int, _ endpoint: Endpoint) {
    raiseDescriptorLimit(to: rlim_t(count + 256))
    let worker = WorkerThread { [self] in
      var clients = (0..<count).map { _ in SlowClient(endpoint) }
      while !isOver.load(ordering: .relaxed) {
        for index in clients.indices { clients[index].act() }
        sleep(nanoseconds: 100_000_000)
      }
      for index in clients.indices { clients[index].hangUp() }
    }
    thread.withLock { $0 = worker }
  }

  func end() {
    isOver.store(true, ordering: .relaxed)
    thread.withLock { $0 }?.join()
  }
}

private struct SlowClient {
  private let endpoint: Endpoint
  private var socket: Int32 = -1
  private var hasBegun = false

  init(_ endpoint: Endpoint) { self.endpoint = endpoint }

  /// Sends the beginning of a request, then one byte per call. Reconnects if the connection was closed.
  mutating func act() {
    let text = hasBegun ? "x" : "GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: "
    if send(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL)) > 0 {
      hasBegun = true
    } else if socket < 0 || errno != EAGAIN {
      hangUp()
      socket = (try? begin(connectingTo: endpoint)) ?? -1
    }
  }

  mutating func hangUp() {
    if socket >= 0 { close(socket) }
    (socket, hasBegun) = (-1, false)
  }
}
