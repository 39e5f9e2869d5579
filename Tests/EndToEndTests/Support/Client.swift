import Foundation
import TestSupport
import Testing

/// Sends requests to an HTTP server during a whole stop, with curl.
struct Client {
  private let url: String
  private let curl = installed("curl")

  /// - Parameter url: The page to request.
  /// - Throws: A `Failure` if the server never answers.
  init(_ url: String) throws {
    self.url = url
    try Clock.wait(for: "an answer from \(url)") { try ask().code == "200" }
  }

  /// Sends one request, and returns its status and its end.
  func ask() throws -> (code: String, end: Duration) {
    let run = try start(url)
    _ = try run.exit()
    return (run.out.lines.first?.split(separator: " ").first.map(String.init) ?? "", Clock.now())
  }

  /// Starts a request that prints "CODE BYTES".
  func start(_ url: String) throws -> Run {
    let format = "%{http_code} %{size_download}\n"
    return try Run.program([curl, "-q", "-s", "-o", "/dev/null", "--max-time", "50", "-w", format, url])
  }

  /// Begins a stop, sends requests until no socket listens, and expects status 200 for each during the delay.
  func expectAnswersThroughAStop(of delay: Duration, begin: () throws -> Duration) throws {
    let sent = try begin()
    var answered = 0
    try Clock.wait(for: "the server to close its port") {
      let answer = try ask()
      // A request in flight at the end of the delay may fail.
      guard answer.end - sent <= delay else { return answer.code != "200" }
      #expect(answer.code == "200")
      answered += 1
      return false
    }
    #expect(answered >= 3, "the machine was too busy to ask during the delay")
  }

  /// A free port of 127.0.0.1, which is returned once.
  ///
  /// - Throws: A `Failure` if no port is free.
  static func freePort() throws -> Int { Int(try TestSupport.freePort()) }
}
