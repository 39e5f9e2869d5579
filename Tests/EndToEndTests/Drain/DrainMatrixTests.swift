import Foundation
import Testing

/// Requests over TLS, HTTP/2, gRPC and WebSocket to real servers that end at once when they are told to stop.
@Suite(.endsItsProcesses, .needs(.program("nginx")), .needs(.program("haproxy")), .needs(.program("openssl")))
struct DrainMatrixTests {
  @Test func `requests in flight are answered, and idle connections end by quiet, near and far`() throws {
    let matrix = (#filePath as NSString).deletingLastPathComponent + "/../../DrainMatrix/matrix.py"
    let run = try Run.program(["/usr/bin/python3", matrix, "--ebb", try Binaries.ebb(), "--short", "--ports"])
    // It takes a minute where nothing else runs.
    let exit = try run.exit(limit: .seconds(400))
    #expect(exit == .code(0), "\(run)")
    #expect(run.out.lines.last == "slow cells kept 20 of 20", "\(run)")
  }
}
