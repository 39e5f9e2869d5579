import Glibc
import TestSupport
import Synchronization

/// The outcome of a request.
enum RequestOutcome: String, CaseIterable, Sendable {
  case answered
  case refused, reset
  case badGateway = "502"
  case unavailable = "503"
  case gatewayTimeout = "504"
  case timeout
  case other
}

/// A request that has ended. Times are nanoseconds of the monotonic clock.
struct Request: Sendable {
  let start: Int64
  let end: Int64
  let fate: RequestOutcome
}

/// Clients that send requests to the load balancer, each in its own thread.
final class Traffic: Sendable {
  private let isOver = Atomic(false)
  private let clients: Mutex<[WorkerThread<[Request]>]> = Mutex([])

  /// Starts the clients.
  init(_ run: Run) {
    guard run.app != .tls else {
      beginTLS(run)
      return
    }
    let schedule = run.schedule
    for keepsAlive in [true, false] {
      for number in 0..<schedule.quickClients {
        // The clients do not start at the same moment.
        let offset = schedule.pause * (2 * number + (keepsAlive ? 1 : 0)) / (2 * schedule.quickClients)
        begin(run.balancer, "/", keepsAlive, every: schedule.pause, after: offset)
      }
      for number in 0..<schedule.slowClients {
        let offset = schedule.slow * (2 * number + (keepsAlive ? 1 : 0)) / (2 * schedule.slowClients)
        begin(run.balancer, run.app.slowPath(schedule.slow), keepsAlive, every: 0, after: offset)
      }
    }
  }

  /// Lets each client finish its request. Returns all requests.
  func finish() -> [Request] {
    isOver.store(true, ordering: .relaxed)
    return clients.withLock { $0 }.flatMap { $0.join() }
  }

  /// Starts the clients of the app with TLS, which are one program.
  private func beginTLS(_ run: Run) {
    let thread = WorkerThread { [self] () -> [Request] in
      do throws(Failure) {
        return try TLS.requests(run) { isOver.load(ordering: .relaxed) }
      } catch {
        complain("\(run.title): \(error.description)")
        return []
      }
    }
    clients.withLock { $0.append(thread) }
  }

  /// Starts one client. Times are milliseconds.
  private func begin(_ endpoint: Endpoint, _ path: String, _ keepsAlive: Bool, every pause: Int, after offset: Int) {
    let thread = WorkerThread { [self] in
      // Longer than haproxy's timeouts, so that its answer arrives.
      let client = HTTPClient(endpoint, keepsAlive: keepsAlive, timeout: 30)
      var requests: [Request] = []
      var next = now() + Int64(offset) * 1_000_000
      while !isOver.load(ordering: .relaxed) {
        sleep(nanoseconds: max(0, next - now()))
        let start = now()
        let fate = fate { () throws(HTTPClient.RequestError) in try client.get(path) }
        requests.append(Request(start: start, end: now(), fate: fate))
        // A refusal comes immediately, so without a pause a slow client would send a flood of requests.
        next = max(now(), start + Int64(fate == .answered ? pause : max(pause, 100)) * 1_000_000)
      }
      return requests
    }
    clients.withLock { $0.append(thread) }
  }
}

private func fate(_ request: () throws(HTTPClient.RequestError) -> Int) -> RequestOutcome {
  do throws(HTTPClient.RequestError) {
    let status = try request()
    return status == 200 ? .answered : RequestOutcome(rawValue: "\(status)") ?? .other
  } catch {
    switch error {
    case .refused: return .refused
    case .reset: return .reset
    case .timeout: return .timeout
    case .other: return .other
    }
  }
}
