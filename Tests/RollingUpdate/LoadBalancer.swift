import Glibc
import TestSupport

/// haproxy in front of the replicas. Any thread may send it commands; its process is only ended with this object.
final class LoadBalancer: @unchecked Sendable {
  let endpoint: Endpoint
  private let process: Child
  private let control: String

  /// Starts haproxy. Each replica, old or new, has its line from the start, in maintenance, as ingress controllers for
  /// haproxy do it with spare lines. So a change is a command through the runtime socket, without a reload. Errors: haproxy
  /// does not start.
  init(_ endpoint: Endpoint, _ servers: [Endpoint], _ app: App, _ folder: String, _ programs: Programs) throws(Failure)
  {
    self.endpoint = endpoint
    control = folder + "/haproxy.sock"
    let lines = servers.enumerated().map { "  server \($0) \($1.text) disabled\n" }.joined()
    // Nothing may hide a fault: haproxy sends a request once, to one server. A fault shows as 502, 503 or 504, or as a reset
    // once the answer has begun. There are no health checks, because they would only shorten the lag.
    //
    // http-reuse always: an idle connection to a server serves the next request of any client, as with the upstream
    // keep-alive of ingress-nginx and with service meshes. So a request can meet a server that is closing its connection.
    //
    // The timeouts are much longer than any request here, even on a busy machine, so a 504 is a lost answer.
    //
    // With TLS in the app haproxy passes connections on (mode tcp).
    let forHTTP = """
          option http-keep-alive
          http-reuse always
      """
    let configuration = """
      global
        stats socket \(control) mode 600 level admin
        maxconn 400
        nbthread 1
      defaults
        mode \(app == .tls ? "tcp" : "http")
        retries 0
        no option redispatch
        no option abortonclose
      \(app == .tls ? "" : forHTTP)
        timeout connect 10s
        timeout client 20s
        timeout server 20s
        timeout http-keep-alive 60s
      frontend everybody
        bind \(endpoint.text)
        default_backend replicas
      backend replicas
        balance roundrobin
      \(lines)
      """
    try writeFile(folder + "/haproxy.cfg", configuration + "\n")
    let log = try createFile(folder + "/haproxy.log")
    defer { close(log) }
    let words = [programs.haproxy, "-db", "-f", folder + "/haproxy.cfg"]
    process = try Child(Launch(words, output: log, error: log))
    try wait(for: "haproxy (see \(folder)/haproxy.log)") {
      access(control, F_OK) == 0 && (try? connect(to: endpoint)).map { close($0) } != nil
    }
  }

  /// Sends requests to this server from now on. Errors: haproxy refuses the command.
  func add(_ server: Int) throws(Failure) { try order("set server replicas/\(server) state ready") }

  /// Sends no further request to this server; requests in flight go on. kube-proxy and ingress controllers do the same
  /// with a removed endpoint. Errors: haproxy refuses the command.
  func remove(_ server: Int) throws(Failure) { try order("set server replicas/\(server) state maint") }

  /// Sends a command through the runtime socket. haproxy answers with an empty line if it has succeeded. Errors: haproxy
  /// cannot be reached, or refuses the command.
  private func order(_ command: String) throws(Failure) {
    let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: control.utf8.prefix($0.count - 1)) }
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    guard isConnected, sendAll(command + "\n", over: connection) else {
      throw Failure("cannot reach haproxy: \(text(errno))")
    }
    var answer = [UInt8](repeating: 0, count: 1024)
    let count = recv(connection, &answer, answer.count, 0)
    let words = String(decoding: answer.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.isEmpty else { throw Failure("haproxy: \(command): \(words.joined(separator: " "))") }
  }
}
