import Foundation
import Testing

/// Asks an HTTP server through a whole stop, with curl.
struct Client {
  private let url: String
  private let curl = Machine.path(of: "curl") ?? "curl"

  /// - Parameter url: The page to ask for.
  /// - Throws: A `Failure` when the server never answers.
  init(_ url: String) throws {
    self.url = url
    try Clock.wait(for: "an answer from \(url)") { try ask().code == "200" }
  }

  /// Asks once.
  func ask() throws -> (code: String, end: Duration) {
    let run = try start(url)
    _ = try run.exit()
    return (run.out.lines.first?.split(separator: " ").first.map(String.init) ?? "", Clock.now())
  }

  /// Begins to ask; it prints "CODE BYTES".
  func start(_ url: String) throws -> Run {
    let format = "%{http_code} %{size_download}\n"
    return try Run.program([curl, "-q", "-s", "-o", "/dev/null", "--max-time", "50", "-w", format, url])
  }

  /// Begins a stop, asks until nobody listens any more, and expects every answer of the delay to be good.
  func expectAnswersThroughAStop(of delay: Duration, begin: () throws -> Duration) throws {
    let sent = try begin()
    var answered = 0
    try Clock.wait(for: "the server to be gone") {
      let answer = try ask()
      // A request that the end of the delay met on its way may end either way.
      guard answer.end - sent <= delay else { return answer.code != "200" }
      #expect(answer.code == "200")
      answered += 1
      return false
    }
    #expect(answered >= 3, "the machine was too busy to ask during the delay")
  }

  /// A port that nobody has. Each is handed out once, and the kernel gives none of these to a client that connects: it
  /// would be taken before the server under test can listen there.
  static func freePort() throws -> Int {
    for _ in 0..<10_000 {
      let port = 10_000 + (Int(getpid()) + TestResources.nextNumber()) % 20_000
      if try isFree(port) { return port }
    }
    throw Failure("no free port")
  }

  private static func isFree(_ port: Int) throws -> Bool {
    let descriptor = streamSocket()
    guard descriptor >= 0 else { throw Failure("socket: errno \(errno)") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
