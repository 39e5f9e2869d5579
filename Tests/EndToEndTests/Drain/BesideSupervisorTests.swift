import Foundation
import TestSupport
import Testing

/// The settings that `ebb drain` takes from a supervisor, and its warnings about the count.
@Suite(.endsItsProcesses, .mostlyWaits)
struct BesideSupervisorTests {
  private let options = ["--delay", "0", "--drain-quiet", "300ms", "--drain-timeout", "20s"]

  @Test func `ebb drain beside a supervisor uses the supervisor's --ports unless it has its own`() throws {
    let port = try Client.freePort()
    let script = "\(Binaries.testApp) serve 0 & exec \(Binaries.testApp) serve \(port)"
    let server = try ServedApp(["--ports", "\(port)"], command: ["/bin/sh", "-c", script])
    try server.run.waitForPage(of: server.run.pid)
    let own = try Run.ebb(arguments: ["drain", "--pid", "\(server.run.pid)"] + options, .withTraffic)
    try own.expect(.code(0))
    #expect(own.out.lines.last?.hasSuffix(", port \(port), by diag+info") == true, "\(own)")
    let named = try Run.ebb(arguments: ["drain", "--pid", "\(server.run.pid)", "--ports", "1"] + options, .withTraffic)
    try named.expect(.code(0))
    #expect(named.out.lines.last?.hasSuffix(", port 1, by diag+info") == true, "\(named)")
  }

  /// Root without CAP_SYS_PTRACE cannot find the owners of listening sockets, so all sockets count except ebb's own.
  @Test(.needs(.root), .needs(.program("setpriv")))
  func `ebb drain does not count the supervisor's health port when socket owners are unreadable`() throws {
    let drain = "\(try Binaries.ebb()) drain " + options.joined(separator: " ")
    let tree = "setpriv --reuid 65534 --clear-groups \(Binaries.testApp) serve 7000"
    let script = """
      without="setpriv --bounding-set -sys_ptrace --inh-caps -all"
      $without \(try Binaries.ebb()) --delay 0 --drain time --health 7001 -- \(tree) & ebb=$!
      until [ "$(cat /proc/net/tcp /proc/net/tcp6 | grep -c '^ *[0-9]*: [0-9A-F]*:1B5[89] .* 0A ')" = 2 ]; do sleep 0.02; done
      until ls -l /proc/$ebb/fd | grep -q memfd:ebb-status; do sleep 0.02; done
      $without \(drain) --pid $ebb
      kill $ebb
      wait
      """
    let setup = LaunchOptions.withTraffic(launch: ["--network-namespace"])
    let run = try Run.program(["/bin/sh", "-c", script], setup)
    try run.expect(.code(0))
    let last = try #require(run.out.lines.last { $0.hasPrefix("drained after ") }, "\(run)")
    #expect(last.contains(", port 7000, by "), "\(run)")
    #expect(
      run.err.lines.filter { $0.hasPrefix("ebb: cannot determine which process owns the listening sockets") }.count
        == 1, "\(run)")
  }

  @Test func `ebb drain warns once that the kernel reports no connection ages`() throws {
    let port = try Client.freePort()
    let setup = LaunchOptions.withTraffic(launch: ["--no-netlink"])
    let server = try Run.program(testApp("serve", "\(port)", "--no-accept"))
    try server.line("listening")
    let client = try RawClient(port)
    let drain = ["drain", "--delay", "0", "--drain-timeout", "2s", "--drain-quiet", "300ms", "--ports", "\(port)"]
    let run = try Run.ebb(arguments: drain, setup)
    try run.expect(.code(1))
    #expect(
      run.err.lines.count == 1 && run.err.text.hasPrefix("ebb: the kernel does not report connection ages"), "\(run)")
    _ = client
  }
}
