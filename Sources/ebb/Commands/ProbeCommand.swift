import CPlatform
import HTTP
import Platform
import Primitives
import Supervision

/// `ebb probe`. Returns the reason for "no", `nil` for "yes". Throws without a supervisor, or if resources are lacking.
func runProbe(_ options: ProbeOptions) throws(CommandError) -> String? {
  let deadline = monotonicTime() + options.timeout
  let status = try readStatus(
    options.pid == nil ? nearestToApp(try requireSupervisor(pid: nil)) : try requireSupervisor(pid: options.pid))
  if status.snapshot.isOutOfReach { printError(Array("ebb: \(Status.outOfReach)\n".utf8)) }
  if let objection = status.objection(live: options.live, at: monotonicTime()) { return objection }
  guard status.asksCommand(live: options.live) else { return nil }
  for check in options.checks {
    if let problem = try problem(with: check, options, deadline) { return problem }
  }
  return nil
}

/// Tries each address in turn, because the server chooses which loopback addresses it listens on. The first one that
/// accepts decides. Throws if this process lacks resources.
private func problem(
  with check: ReadinessCheck, _ options: ProbeOptions, _ deadline: Instant
) throws(CommandError) -> String? {
  var problem = ""
  for address in check.addresses {
    do throws(NoConnection) {
      let socket = try connect(to: address, deadline)
      defer { close(socket) }
      guard case .http(let url) = check else { return nil }
      return ask(httpGet(url, headers: options.headers), over: socket, deadline).map { "\(address.description): \($0)" }
    } catch {
      if error.isOwnFault { throw CommandError(message: "cannot ask \(address.description): \(error.reason)") }
      problem = "\(address.description): \(error.reason)"
    }
  }
  return problem
}

private struct NoConnection: Error {
  var reason: String
  /// This process or machine lacks resources, which says nothing about the command.
  var isOwnFault = false

  init(_ reason: String) { self.reason = reason }
  init(_ error: Errno) {
    reason = error.description
    isOwnFault = [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(error.code)
  }

  static let timeout = NoConnection("no response in time")
}

private func connect(to address: SocketAddress, _ deadline: Instant) throws(NoConnection) -> Int32 {
  let socket: Int32
  do throws(Errno) {
    socket = try startConnecting(to: address)
  } catch {
    throw NoConnection(error)
  }
  do throws(NoConnection) {
    guard wait(for: Int16(POLLOUT), on: socket, deadline) else { throw .timeout }
    if let error = takeSocketError(socket) { throw NoConnection(error) }
    if discardIfSelfConnected(socket, to: address) {
      throw NoConnection("connection refused: nothing listens on that port")
    }
  } catch {
    close(socket)
    throw error
  }
  return socket
}

/// Sends a request and reads the response's status. Returns what is wrong with it, otherwise `nil`.
private func ask(_ request: [UInt8], over socket: Int32, _ deadline: Instant) -> String? {
  var remaining = request[...]
  var answer: [UInt8] = []
  do throws(Errno) {
    while !remaining.isEmpty {
      guard wait(for: Int16(POLLOUT), on: socket, deadline) else { return NoConnection.timeout.reason }
      remaining = remaining.dropFirst(try sendBytes(remaining, over: socket))
    }
    while true {
      guard wait(for: Int16(POLLIN), on: socket, deadline) else { return NoConnection.timeout.reason }
      switch try receive(upTo: HTTPStatusLine.limit - answer.count, from: socket) {
      case .nothing: continue
      case .end: return "connection closed without a response"
      case .bytes(let bytes): answer += bytes
      }
      let said = HTTPStatusLine(answer)
      switch said {
      case .status(let status): return said.isGood ? nil : "HTTP \(status)"
      case .malformed: return "no HTTP answer"
      case .incomplete: if answer.count >= HTTPStatusLine.limit { return "no HTTP answer" }
      }
    }
  } catch {
    return error.description
  }
}

/// Waits until the socket is ready or has failed. Returns false if the deadline comes first.
private func wait(for events: Int16, on socket: Int32, _ deadline: Instant) -> Bool {
  var entry = pollfd(fd: socket, events: events, revents: 0)
  while true {
    let left = max(.zero, deadline - monotonicTime())
    // Round up, and limit to poll(2)'s range: a month is as good as the year that an option may name.
    let milliseconds = Int32(clamping: min(left.milliseconds + (left > .zero ? 1 : 0), Int(Int32.max)))
    let ready = poll(&entry, 1, milliseconds)
    if ready > 0 { return true }
    if ready == 0 || ebb_errno() != EINTR { return false }
  }
}
