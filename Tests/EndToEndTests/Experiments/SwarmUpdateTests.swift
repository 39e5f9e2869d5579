import Foundation
import Testing

/// The short version of the experiment on a real orchestrator: services of a Docker swarm behind haproxy, which is
/// updated late.
@Suite(
  .endsItsProcesses, .mostlyWaits, .needs(.pidNamespace), .needs(.program("dockerd")), .needs(.program("docker")),
  .needs(.program("busybox")), .needs(.program("haproxy")), .needs(.program("nginx")), .needs(.program("tini-static")))
struct SwarmUpdateTests {
  @Test func `in a swarm service update no request fails under ebb and some fail without it`() throws {
    let run = try Run.program([Binaries.rollingUpdate, "--swarm", "--short", "--ebb", try Binaries.ebb()])
    // Takes one minute on an idle machine.
    let exit = try run.exit(limit: .seconds(400))
    #expect(exit == .code(0), "\(run)")

    // App, lag, strategy, requests, errors, and so on.
    let updates = run.out.lines.map(\.columns).filter { $0.count == 9 && $0[0] != "app" }
    #expect(updates.count == 7, "\(run)")
    let ebb = updates.filter { $0[2].hasPrefix("ebb --delay") }
    #expect(ebb.count == 2 && ebb.allSatisfy { $0[4] == "0" && Int($0[3]) ?? 0 > 200 }, "\(run)")
    let exposed = updates.filter { !$0[2].hasPrefix("ebb") }
    #expect(exposed.count == 3 && exposed.allSatisfy { Int($0[4]) ?? 0 > 0 }, "\(run)")
  }
}
