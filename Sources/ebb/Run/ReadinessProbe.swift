import CPlatform
import HTTP
import Platform
import Primitives
import Supervision

/// Checks whether the command is ready, one attempt at a time, without blocking. The lifecycle decides when to try and
/// how long to wait.
final class ReadinessProbe {
  private let checks: [ReadinessCheck]
  private let queue: dispatch_queue_t
  private var report: (Event) -> Void = { _ in }

  // The current attempt: which check, and which of its addresses. Socket -1: none.
  private var socket: Int32 = -1
  private var source: DispatchSource?
  private var check = 0
  private var address = 0
  private var addressesTried = 0
  private var response = ProbeResponse()

  init(_ checks: [ReadinessCheck], on queue: dispatch_queue_t) { (self.checks, self.queue) = (checks, queue) }

  /// Begins an attempt and calls `report` with `probeSucceeded` or `probeFailed`, unless it is abandoned. Begins with
  /// the address where the last attempt ended, so that a silent address does not block the other one.
  func begin(_ report: @escaping (Event) -> Void) {
    self.report = report
    check = 0
    addressesTried = 0
    connect()
  }

  func abandon() {
    address += 1
    closeConnection()
  }

  private var addresses: [SocketAddress] { checks[check].addresses }
  private var asked: SocketAddress { addresses[address % addresses.count] }

  private func connect() {
    do throws(Errno) {
      socket = try startConnecting(to: asked)
      source = DispatchSource(writable: socket, on: queue)
      source?.start { [self] in connected() }
    } catch {
      failed(error.description)
    }
  }

  private func connected() {
    if let error = takeConnectError(socket, to: asked) { return failed(error.description) }
    switch checks[check] {
    case .tcp: passed()
    case .http(let url):
      let request = url.getRequest()
      // A new connection accepts far more bytes than one request has.
      guard (try? sendBytes(request[...], over: socket)) == request.count else {
        return failed("the request was not accepted")
      }
      response = ProbeResponse()
      let socket = socket
      source?.cancel {}
      source = DispatchSource(readable: socket, on: queue)
      source?.start { [self] in readResponse() }
    }
  }

  private func readResponse() {
    switch response.read(from: socket) {
    case .incomplete: return
    case .ready: passed()
    case .failed(let problem): failed(problem)
    }
  }

  private func passed() {
    closeConnection()
    check += 1
    addressesTried = 0
    if check < checks.count { connect() } else { report(.probeSucceeded) }
  }

  private func failed(_ problem: String) {
    let problem = "\(asked.description): \(problem)"
    closeConnection()
    address += 1
    addressesTried += 1
    if addressesTried < addresses.count { connect() } else { report(.probeFailed(problem)) }
  }

  private func closeConnection() {
    guard socket >= 0 else { return }
    let done = socket
    if let source { source.cancel { close(done) } } else { close(done) }
    (socket, source) = (-1, nil)
  }
}
