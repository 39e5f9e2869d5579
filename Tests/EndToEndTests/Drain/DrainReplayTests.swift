import Foundation
import Testing

/// Recorded connections of real servers and clients, classified by the code that ships.
@Suite(.endsItsProcesses)
struct DrainReplayTests {
  @Test func `the drain waits for recorded slow requests and not for most recorded idle connections`() throws {
    let samples = (#filePath as NSString).deletingLastPathComponent + "/../../DrainReplay/samples"
    let names = try FileManager.default.contentsOfDirectory(atPath: samples).sorted()
    let run = try Run.program([Binaries.drainReplay] + names.map { "\(samples)/\($0)" })
    try run.expect(.code(0))
    // Of the idle ones, 3 × 25 had one request over TLS 1.3, which looks like a request without a response.
    #expect(
      run.out.lines.suffix(2) == ["slow requests lost 0 of 475", "idle connections held 81 of 400"],
      "\(run.out.lines)")
  }
}
