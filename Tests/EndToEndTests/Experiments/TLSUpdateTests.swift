import Foundation
import Testing

/// The short version of a rolling update with TLS in an app without signal handling: haproxy passes connections on, and a
/// client opens one for each request.
@Suite(
  .endsItsProcesses, .needs(.pidNamespace), .needs(.program("haproxy")), .needs(.program("openssl")),
  .needs(.program("nginx")), .needs(.program("tini")))
struct TLSUpdateTests {
  @Test func `no request over a new TLS connection fails under ebb, and without it some do`() throws {
    let run = try Run.program([Binaries.rollingUpdate, "--tls", "--short", "--ebb", try Binaries.ebb()])
    // It takes a minute where nothing else runs.
    let exit = try run.exit(limit: .seconds(300))
    #expect(exit == .code(0), "\(run)")

    // Two or more blanks stand between the columns: app, lag, way, requests, errors, and so on.
    let rows = run.out.lines.map { line in
      line.components(separatedBy: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    let updates = rows.filter { $0.count == 9 && $0[0] != "app" }
    #expect(updates.count == 6, "\(run)")
    let ebb = updates.filter { $0[2].hasPrefix("ebb ") }
    #expect(ebb.count == 2 && ebb.allSatisfy { $0[4] == "0" && Int($0[3]) ?? 0 > 100 }, "\(run)")
    let exposed = updates.filter { $0[2] == "tini" }
    #expect(exposed.count == 1 && exposed.allSatisfy { Int($0[4]) ?? 0 > 0 }, "\(run)")
  }
}
