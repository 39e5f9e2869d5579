import Foundation
import Testing

/// Requests over TLS, HTTP/2, gRPC and WebSocket to real servers that exit immediately on the stop signal.
@Suite(.endsItsProcesses, .needs(.program("nginx")), .needs(.program("haproxy")), .needs(.program("openssl")))
struct DrainMatrixTests {
  @Test func `requests over TLS, HTTP/2, gRPC and WebSocket are answered and idle connections end by quiet`() throws {
    let matrix = (#filePath as NSString).deletingLastPathComponent + "/../../DrainMatrix/matrix.py"
    let run = try Run.program([
      "/usr/bin/python3", matrix, "--ebb", try Binaries.ebb(), "--short", "--ports", "--jobs", "2",
    ])
    // Takes one minute on an idle machine.
    let exit = try run.exit(limit: .seconds(400))
    #expect(exit == .code(0), "\(run)")
    #expect(run.out.lines.last == "slow cells kept 20 of 20", "\(run)")
  }
}
