import Foundation
import Testing

/// Prometheus and the kubelet request ebb's own port during a drain.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.program("curl")))
struct HealthScrapeTests {
  @Test func `a thousand idle keep-alives are quiet while ebb's own port is scraped each second`() throws {
    let health = try Client.freePort()
    let server = try ServedApp(["--delay", "3s", "--drain-timeout", "20s", "--health", "\(health)"])
    let pool = try Run.program(testApp("connect", "\(server.port)", "1000"))
    try pool.line("connected")
    let scrape = "while curl -s --fail -o /dev/null http://127.0.0.1:\(health)/metrics; do echo scraped; sleep 1; done"
    let scraper = try Run.program(["/bin/sh", "-c", scrape])
    try scraper.line("scraped")
    try server.stop()
    let report = try server.report()
    #expect(report.drainEndedBy == "quiet" && report.inFlight("at_forward") == 0, "\(report)")
    #expect(report["connections_after_stop"] == 0, "\(report)")
    try scraper.readToEnd()
    #expect(scraper.out.lines.filter { $0 == "scraped" }.count >= 2, "\(scraper)")
    let draining = try #require(server.run.events("draining").first)
    #expect(draining["idle"] as? Int == 1000 && draining["busy"] as? Int == 0, "\(draining)")
  }
}
