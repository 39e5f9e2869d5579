import Foundation
import Testing

/// The short version of README's experiment: haproxy, two apps under each shutdown strategy, and each kind of client.
@Suite(
  .endsItsProcesses, .needs(.pidNamespace), .needs(.program("haproxy")), .needs(.program("nginx")),
  .needs(.program("tini")))
struct RollingUpdateTests {
  @Test func `in a rolling update behind haproxy no request fails under ebb and some fail without it`() throws {
    let run = try Run.program([Binaries.rollingUpdate, "--short", "--ebb", try Binaries.ebb()])
    // Takes one minute on an idle machine.
    let exit = try run.exit(limit: .seconds(300))
    #expect(exit == .code(0), "\(run)")

    // App, lag, strategy, requests, errors, and so on.
    let updates = run.out.lines.map(\.columns).filter { $0.count == 9 && $0[0] != "app" }
    #expect(updates.count == 12, "\(run)")
    let ebb = updates.filter { $0[2].hasPrefix("ebb ") }
    #expect(ebb.count == 4 && ebb.allSatisfy { $0[4] == "0" && Int($0[3]) ?? 0 > 200 }, "\(run)")
    // PID 1 without a handler does not receive SIGTERM.
    #expect(updates.contains { $0[2] == "no init" && $0[8].hasSuffix(", killed") }, "\(run)")
    let exposed = updates.filter { $0[2] == "tini" }
    #expect(exposed.count == 2 && exposed.allSatisfy { Int($0[4]) ?? 0 > 0 }, "\(run)")
  }
}
