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
      return ask(url.getRequest(headers: options.headers), over: socket, deadline).map {
        "\(address.description): \($0)"
      }
    } catch {
      if error.isOwnFault { throw CommandError(message: "cannot query \(address.description): \(error.reason)") }
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
    guard waitUntilWritable(socket, within: deadline - monotonicTime()) else { throw .timeout }
    if let error = takeConnectError(socket, to: address) { throw NoConnection(error) }
  } catch {
    close(socket)
    throw error
  }
  return socket
}

/// Sends a request and reads the response's status. Returns what is wrong with it, otherwise `nil`.
private func ask(_ request: [UInt8], over socket: Int32, _ deadline: Instant) -> String? {
  var remaining = request[...]
  do throws(Errno) {
    while !remaining.isEmpty {
      guard waitUntilWritable(socket, within: deadline - monotonicTime()) else { return NoConnection.timeout.reason }
      remaining = remaining.dropFirst(try sendBytes(remaining, over: socket))
    }
  } catch {
    return error.description
  }
  var response = ProbeResponse()
  while waitUntilReadable(socket, within: deadline - monotonicTime()) {
    switch response.read(from: socket) {
    case .incomplete: continue
    case .ready: return nil
    case .failed(let problem): return problem
    }
  }
  return NoConnection.timeout.reason
}
