import CPlatform
import HTTP
import Platform
import Primitives
import Supervision

/// The requests of a smoke run: any number in flight, without blocking.
final class LoadGenerator {
  enum Kind {
    /// On a new connection.
    case fresh
    /// On a keep-alive connection if there is one.
    case kept
    /// `--slow`, on a new connection, without a deadline.
    case slow
    /// `--slow`, on a keep-alive connection if there is one.
    case slowKept
    /// Only a connection, for any kind of target.
    case connection

    var isSlow: Bool { self == .slow || self == .slowKept }
    var isKept: Bool { self == .kept || self == .slowKept }
  }

  struct Outcome {
    let target: Int
    let kind: Kind
    let began: Instant
    /// `nil`: success.
    let problem: String?
  }

  private final class Exchange {
    let target: Int
    let kind: Kind
    let began: Instant
    let deadline: Instant?
    var socket: Int32 = -1
    var address: Int
    var isConnected = false
    var isReused = false
    var request: ArraySlice<UInt8> = []
    var answer = HTTPResponseParser()
    var isOver = false

    init(target: Int, kind: Kind, began: Instant, deadline: Instant?, address: Int) {
      (self.target, self.kind, self.began, self.deadline, self.address) = (target, kind, began, deadline, address)
    }
  }

  var report: (Outcome) -> Void = { _ in }
  private(set) var retries = 0
  private let targets: [ReadinessCheck]
  private let timeout: TimeAmount
  /// For each target the index of the address that has accepted; -1: none yet.
  private var workingAddress: [Int]
  private var exchanges: [Exchange] = []
  /// Finished exchanges whose connection is reusable.
  private var kept: [Exchange] = []
  private var ownFault: Errno?

  /// More would not be the requested load, but a sign that the server does not respond.
  private static let maxExchanges = 512

  init(_ targets: [ReadinessCheck], timeout: TimeAmount) {
    (self.targets, self.timeout) = (targets, timeout)
    workingAddress = targets.map { _ in -1 }
  }

  var isIdle: Bool { exchanges.isEmpty }

  /// Whether both slow requests have been sent completely and are not answered.
  var hasSlowInFlight: Bool { exchanges.count { $0.kind.isSlow && $0.isConnected && $0.request.isEmpty } == 2 }
  func has(_ kind: Kind) -> Bool { exchanges.contains { $0.kind == kind } }

  func begin(_ kind: Kind, to target: Int, at now: Instant) {
    guard exchanges.count < LoadGenerator.maxExchanges else { return }
    let deadline = kind.isSlow ? nil : now + timeout
    let exchange = Exchange(
      target: target, kind: kind, began: now, deadline: deadline, address: max(0, workingAddress[target]))
    exchanges.append(exchange)
    if kind.isKept, let socket = takeIdle(target) {
      (exchange.socket, exchange.isConnected, exchange.isReused) = (socket, true, true)
      ask(exchange)
      work(on: exchange)
    } else {
      connect(exchange)
    }
  }

  /// Waits for an event, also on `other`, at most `limit`. Throws if this process lacks resources.
  func work(besides other: Int32, within limit: TimeAmount) throws(CommandError) {
    let waiting = exchanges
    var set = PollSet()
    for exchange in waiting {
      set.add(exchange.socket, forWriting: !exchange.isConnected || !exchange.request.isEmpty)
    }
    set.add(other)
    set.wait(within: limit)
    let now = monotonicTime()
    for index in waiting.indices {
      let exchange = waiting[index]
      if set.isReady(index) { work(on: exchange) }
      if let deadline = exchange.deadline, deadline <= now { finish(exchange, "timeout") }
    }
    exchanges.removeAll { $0.isOver }
    if let ownFault { throw CommandError(message: "cannot send requests: \(ownFault.description)") }
  }

  func giveUp() {
    for exchange in exchanges { finish(exchange, "timeout") }
    exchanges = []
  }
}

// MARK: - One request

extension LoadGenerator {
  private func connect(_ exchange: Exchange) {
    let addresses = targets[exchange.target].addresses
    do throws(Errno) {
      exchange.socket = try startConnecting(to: addresses[exchange.address])
    } catch {
      connectFailed(exchange, error)
    }
  }

  /// The server chooses which loopback addresses it listens on, so all are tried until one has accepted.
  private func connectFailed(_ exchange: Exchange, _ error: Errno) {
    closeConnection(exchange)
    let isOpen = workingAddress[exchange.target] < 0
    if isOpen, exchange.address + 1 < targets[exchange.target].addresses.count {
      exchange.address += 1
      return connect(exchange)
    }
    let isOwn = [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(error.code) || (!isOpen && error.code == EADDRNOTAVAIL)
    if isOwn { ownFault = error }
    finish(exchange, error.word)
  }

  private func work(on exchange: Exchange) {
    guard !exchange.isOver else { return }
    if !exchange.isConnected {
      let address = targets[exchange.target].addresses[exchange.address]
      if let error = takeConnectError(exchange.socket, to: address) { return connectFailed(exchange, error) }
      exchange.isConnected = true
      workingAddress[exchange.target] = exchange.address
      guard ask(exchange) else { return finish(exchange, nil) }
    }
    do throws(Errno) {
      if !exchange.request.isEmpty {
        exchange.request = exchange.request.dropFirst(try sendBytes(exchange.request, over: exchange.socket))
        return
      }
      switch try receive(upTo: 16 * 1024, from: exchange.socket) {
      case .nothing: return
      case .end:
        exchange.answer.end()
        if exchange.answer.state != .complete { connectionLost(exchange, exchange.answer.hasBegun ? "cut" : "closed") }
      case .bytes(let bytes): exchange.answer.take(bytes)
      }
    } catch {
      return connectionLost(exchange, error.word)
    }
    switch exchange.answer.state {
    case .incomplete: return
    case .malformed: finish(exchange, "garbled")
    case .complete:
      let status = exchange.answer.status ?? 0
      finish(exchange, 200..<400 ~= status ? nil : "\(status)")
    }
  }

  /// Prepares the request. Returns false if the target needs only a connection.
  @discardableResult
  private func ask(_ exchange: Exchange) -> Bool {
    guard case .http(let url) = targets[exchange.target], exchange.kind != .connection else { return false }
    exchange.request = url.getRequest(keepAlive: exchange.kind.isKept)[...]
    return true
  }

  /// A server may close a keep-alive connection as a request arrives. The client retries it once, on a new connection;
  /// RFC 9110 section 9.2.2.
  private func connectionLost(_ exchange: Exchange, _ problem: String) {
    guard exchange.isReused, !exchange.answer.hasBegun else { return finish(exchange, problem) }
    closeConnection(exchange)
    (exchange.isReused, exchange.isConnected) = (false, false)
    retries += 1
    connect(exchange)
  }

  private func finish(_ exchange: Exchange, _ problem: String?) {
    guard !exchange.isOver else { return }
    exchange.isOver = true
    if exchange.kind.isKept, problem == nil, exchange.answer.isReusable {
      kept.append(exchange)
    } else {
      closeConnection(exchange)
    }
    report(Outcome(target: exchange.target, kind: exchange.kind, began: exchange.began, problem: problem))
  }

  private func closeConnection(_ exchange: Exchange) {
    if exchange.socket >= 0 { close(exchange.socket) }
    exchange.socket = -1
  }

  /// Returns a kept connection to the target's server that the server has not closed.
  private func takeIdle(_ target: Int) -> Int32? {
    let server = targets[target].addresses.first
    while let index = kept.firstIndex(where: { targets[$0.target].addresses.first == server }) {
      let socket = kept.remove(at: index).socket
      if case .nothing? = try? receive(upTo: 1, from: socket) { return socket }
      close(socket)
    }
    return nil
  }
}

extension Errno {
  /// The reason, as one word if possible.
  fileprivate var word: String {
    switch code {
    case ECONNREFUSED: "refused"
    case ECONNRESET, EPIPE: "reset"
    case ETIMEDOUT: "timeout"
    default: description
    }
  }
}
