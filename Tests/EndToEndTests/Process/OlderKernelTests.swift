import Foundation
import TestSupport
import Testing

/// Older kernels, simulated by seccomp: it refuses every call and flag in the binary that is newer than Linux 3.16. An
/// older kernel returns ENOSYS for the call, or refuses the flag.
@Suite(.endsItsProcesses, .mostlyWaits)
struct OlderKernelTests {
  struct Kernel: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let refused: [String]

    fileprivate init(_ name: String, _ refused: [String]) { (testDescription, self.refused) = (name, refused) }

    var setup: LaunchOptions { LaunchOptions(launch: refused.flatMap { ["--refuse", $0] }) }
    var hasStatusPage: Bool { !refused.contains { $0.hasPrefix("memfd_create") } }
  }

  /// In the order of the kernel versions that introduced them.
  private static let calls = [
    "getrandom:\(ENOSYS)", "memfd_create:\(ENOSYS)",  // 3.17
    "pwritev2:\(ENOSYS)",  // 4.6
    "rseq:\(ENOSYS)",  // 4.18
    "pidfd_send_signal:\(ENOSYS)",  // 5.1
    "clone3:\(ENOSYS)", "pidfd_open:\(ENOSYS)",  // 5.3
    "close_range:\(ENOSYS)",  // 5.9
    "MFD_NOEXEC_SEAL:\(EINVAL)",  // 6.3
    "pwritev2:\(EOPNOTSUPP)",  // RWF_NOWAIT on pipes, 6.4
  ]

  static let kernels =
    calls.map { Kernel("without \($0)", [$0]) } + [
      Kernel("3.16", calls),
      Kernel("3.17", calls.filter { !$0.hasPrefix("getrandom") && !$0.hasPrefix("memfd_create") }),
      // Without a log thread the core itself uses pwritev2.
      Kernel("3.16 without threads", calls + ["clone3"]),
    ]

  @Test(arguments: PIDRole.possible, kernels)
  func `on an older kernel ebb forwards signals, keeps the delay and exits with the command's code`(
    place: PIDRole, kernel: Kernel
  ) throws {
    let command = testApp("signals", "--exit-on", "TERM:3")
    let run = try Run.ready(["-v", "--delay", "300ms"], command, in: place, kernel.setup)
    for signal: Signal in [.sigusr1, .sighup] {
      try run.deliver(signal)
    }
    let sent = try run.stop(.code(3))
    #expect(Clock.now() - sent >= .milliseconds(300))
    #expect(run.signals == ["got USR1", "got HUP", "got TERM"], "\(run)")
    #expect(run.err.lines.last?.contains("event=exited") == true, "\(run)")
    let warnings = run.err.lines.filter { $0.contains("level=warn") }
    #expect(warnings.count == (kernel.hasStatusPage ? 0 : 1), "\(run)")
    let message = """
      msg="cannot create the status page: Function not implemented; ebb status, stop and probe will not find this supervisor"
      """
    #expect(warnings.allSatisfy { $0.contains("event=no-status-page") && $0.contains(message) }, "\(run)")
  }

  @Test(arguments: PIDRole.possible, kernels)
  func `on an older kernel ebb kills the command at the deadline`(place: PIDRole, kernel: Kernel) throws {
    let options = ["--delay", "0", "--grace", "700ms"]
    let run = try Run.ready(options, testApp("signals", "--ignore-term"), in: place, kernel.setup)
    let sent = try run.stop(.code(137))
    #expect(Clock.now() - sent >= .milliseconds(700))
    #expect(run.signals == ["got TERM", "got CONT"], "\(run)")
  }

  @Test(arguments: kernels)
  func `on an older kernel ebb kills the command's descendants at the deadline`(kernel: Kernel) throws {
    let app = testApp("signals", "--ignore-term").joined(separator: " ")
    let options = ["--delay", "0", "--grace", "700ms"]
    let run = try Run.ready(options, ["/bin/sh", "-c", "trap '' TERM; \(app) & wait; wait"], kernel.setup)
    try run.stop(.code(137))
    try run.readToEnd()  // all processes that had its output have ended
  }

  @Test(arguments: PIDRole.possible, kernels)
  func `on an older kernel ebb reaps orphans`(place: PIDRole, kernel: Kernel) throws {
    let run = try Run.ready(["--delay", "0", "--log", "json"], testApp("orphans", "100", "7"), in: place, kernel.setup)
    let command = try run.command()
    kill(command, SIGUSR1)
    try run.line("made 100")
    let supervisor = try run.supervisor()
    try run.wait(for: "the zombies to go") { Proc.children(of: supervisor) == [command] }
    try run.stop(.code(7))
    #expect(try run.report()["reaped"] as? Int == 100, "\(run)")
  }

  @Test(arguments: PIDRole.possible, kernels)
  func `on an older kernel ebb stops leftovers`(place: PIDRole, kernel: Kernel) throws {
    let options = ["--leftover-timeout", "20s"]
    let run = try Run.ebb(options, testApp("leave", "3", "--orphaned", "--session"), in: place, kernel.setup)
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 3, "\(run)")
  }

  @Test(arguments: PIDRole.possible, kernels)
  func `on an older kernel ebb kills leftovers that ignore SIGTERM`(place: PIDRole, kernel: Kernel) throws {
    let command = testApp("leave", "3", "--orphaned", "--session", "--ignore-term")
    let run = try Run.ebb(["--leftover-timeout", "500ms"], command, in: place, kernel.setup)
    try run.expect(.code(0))
    try run.readToEnd()  // all processes that had its output have ended
  }

  @Test(arguments: kernels)
  func `on an older kernel ebb keeps no inherited descriptor open`(kernel: Kernel) throws {
    let folder = try TestResources.folder()
    var setup = kernel.setup
    setup.launch += ["--open", "3:\(folder)/three", "--open", "500:\(folder)/far"]
    let run = try Run.ebb([], testApp("report", "--stay"), setup)
    try run.line("end")
    #expect(run.out.lines.contains("descriptors: 0 1 2 3 500"), "\(run)")
    try run.wait(for: "ebb to close them") {
      !Proc.descriptors(of: run.pid).values.contains { $0.hasPrefix(folder) }
    }
  }

  @Test(arguments: kernels)
  func `on an older kernel status, probe and stop find the supervisor if the kernel has memfd_create`(kernel: Kernel)
    throws
  {
    let run = try Run.ready(["--delay", "25s"], testApp("signals", "--exit-on", "TERM:3"), kernel.setup)
    func answer(_ words: String...) throws -> CommandResult {
      try CommandResult(try Run.ebb(arguments: words + ["--pid", "\(run.pid)"], kernel.setup))
    }
    guard kernel.hasStatusPage else {
      for command in ["status", "probe", "stop"] {
        let denied = try answer(command)
        #expect(denied.exit == .code(125), "\(denied)")
        #expect(denied.err == "ebb: process \(run.pid) is not an ebb supervisor: it has no status page\n", "\(denied)")
      }
      return
    }
    try run.waitForPage(of: run.pid)
    #expect(try answer("probe").exit == .code(0))
    let status = try answer("status", "--json")
    #expect(try status.json()["phase"] as? String == "serving", "\(status)")
    let stop = try answer("stop", "--now", "--wait")
    #expect(stop.exit == .code(0), "\(stop)")
    try run.expect(.code(3))
    #expect(run.signals == ["got TERM"], "\(run)")
  }
}
