import Glibc
import TestSupport

/// The server and the clients of the app with TLS. They are Python programs, because Swift has no TLS without a package.
enum TLS {
  static let python = "/usr/bin/python3"
  static let openssl = "/usr/bin/openssl"

  /// Makes the certificate and key of all servers in this folder. Errors: openssl failed.
  static func makeCertificate(_ folder: String) throws(Failure) {
    _ = try output(
      of: [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-keyout", key(folder), "-out", certificate(folder),
      ])
  }

  // Paths.
  static func certificate(_ folder: String) -> String { folder + "/certificate.pem" }
  static func key(_ folder: String) -> String { folder + "/key.pem" }
  static var server: String { program("server.py") }
  private static var client: String { program("client.py") }

  private static func program(_ name: String) -> String {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(folder)/\(name)"
  }

  /// Requests until `isOver` returns true. Errors: the clients do not start, or end with an error.
  static func requests(_ run: Run, until isOver: () -> Bool) throws(Failure) -> [Request] {
    let schedule = run.schedule
    let numbers = [Int(run.port), schedule.quickClients, schedule.pause, schedule.slowClients, schedule.slow]
    let path = run.folder + "/requests"
    let file = try createFile(path)
    let log = try createFile(run.folder + "/clients.log")
    let words = [python, client] + numbers.map { "\($0)" }
    let clients = try Child(Launch(words, output: file, error: log))
    close(file)
    close(log)
    while !isOver() { sleep(nanoseconds: 50_000_000) }
    clients.signal(SIGTERM)
    guard clients.ending(within: 60_000) == .code(0) else {
      throw Failure("the clients failed: see \(run.folder)/clients.log")
    }
    return try readFile(path).split(separator: "\n").compactMap { request(of: $0) }
  }

  /// Parses a line of the clients: `BEGIN END OUTCOME`. `nil` if it has another form.
  private static func request(of line: Substring) -> Request? {
    let words = line.split(separator: " ")
    guard words.count == 3, let start = Int64(words[0]), let end = Int64(words[1]),
      let outcome = RequestOutcome(rawValue: String(words[2]))
    else { return nil }
    return Request(start: start, end: end, fate: outcome)
  }
}
