import Foundation
import TestSupport
import Testing

/// What the command inherits, and the resources that ebb uses.
@Suite(.endsItsProcesses)
struct InheritanceAndFootprintTests {
  @Test(arguments: PIDRole.possible)
  func `inherited descriptors stay open in the command and not in ebb`(place: PIDRole) throws {
    let folder = try TestResources.folder()
    let launch = ["--open", "3:\(folder)/three", "--open", "9:\(folder)/nine", "--open", "500:\(folder)/far"]
    let run = try Run.ebb([], testApp("report", "--stay"), in: place, LaunchOptions(launch: launch))
    try run.line("end")
    #expect(run.out.lines.contains("descriptors: 0 1 2 3 9 500"))
    let supervisor = try run.supervisor()
    try run.wait(for: "ebb to close them") {
      !Proc.descriptors(of: supervisor).values.contains { $0.hasPrefix(folder) }
    }
  }

  @Test func `ebb's own descriptors do not reach the command`() throws {
    let run = try Run.ebb(["--delay", "0"], testApp("report"))
    try run.expect(.code(0))
    #expect(run.out.lines.contains("descriptors: 0 1 2"))
    #expect(run.out.lines.contains("nonblocking:"))
  }

  @Test func `closed standard descriptors are closed in the command too`() throws {
    // The command has no output either, so its exit code carries the result.
    let launch = ["--close", "0", "--close", "1", "--close", "2"]
    let script = "for n in 0 1 2; do [ -e /proc/self/fd/$n ] && exit $((10 + n)); done; exit 3"
    let shell = ["/bin/sh", "-c", script]
    let run = try Run.ebb([], shell, LaunchOptions(launch: launch))
    try run.expect(.code(3))
  }

  @Test(arguments: PIDRole.possible)
  func `ebb changes to / and the command keeps the working directory`(place: PIDRole) throws {
    let folder = try TestResources.folder()
    let run = try Run.ebb([], testApp("report", "--stay"), in: place, .launch("--cwd", folder))
    try run.line("end")
    #expect(run.out.lines.contains("directory: \(URL(fileURLWithPath: folder).resolvingSymlinksInPath().path)"))
    let supervisor = try run.supervisor()
    try run.wait(for: "ebb to go to /") { Proc.directory(of: supervisor) == "/" }
  }

  @Test func `the command gets the environment unchanged`() throws {
    let variables = ["PATH": "/usr/bin", "EBB_DELAY": "0", "EMPTY": "", "LISTEN_PID": "1", "X": "a=b c\u{e9}"]
    let run = try Run.ebb([], testApp("report"), LaunchOptions(environment: variables))
    try run.expect(.code(0))
    let seen = run.out.lines.filter { $0.hasPrefix("variable: ") && !$0.contains("TEST_APP_MARK") }
    #expect(Set(seen) == Set(variables.map { "variable: \($0.key)=\($0.value)" }))
    #expect(seen.count == variables.count)
  }

  @Test func `a command runs with an empty environment`() throws {
    try Run.ebb([], ["ls", "/"], LaunchOptions(environment: [:])).expect(.code(0))
  }

  @Test(.needs(.pidNamespace))
  func `without /proc the command is stopped and leftovers are stopped with a warning`() throws {
    let setup = LaunchOptions.launch("--pid-namespace-without-proc")
    let plain = try Run.ready(["--delay", "0"], testApp("signals", "--exit-on", "TERM:3"), setup)
    kill(try plain.firstChild(), SIGTERM)
    try plain.expect(.code(3))

    let leaving = try Run.ebb(["--leftover-timeout", "20s"], testApp("leave", "2", "--code", "4"), setup)
    try leaving.expect(.code(4))
    #expect(leaving.signals.filter { $0 == "leftover got TERM" }.count == 2, "\(leaving)")
    #expect(leaving.err.lines.contains { $0.contains("level=warn") && $0.contains("/proc") }, "\(leaving)")
  }

  @Test(arguments: PIDRole.possible)
  func `16 descriptors are enough to forward every signal and to stop`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "300ms"], testApp("signals"), in: place, .launch("--rlimit-nofile", "16"))
    for signal in Signal.forwarded {
      try run.deliver(signal)
    }
    let sent = try run.stop(.code(0))
    #expect(Clock.now() - sent >= .milliseconds(300))
    #expect(!run.err.text.contains("level=warn"), "\(run)")
  }

  @Test func `16 descriptors are enough to stop leftovers`() throws {
    let setup = LaunchOptions.launch("--rlimit-nofile", "16")
    let run = try Run.ebb(["--leftover-timeout", "20s"], testApp("leave", "3", "--orphaned", "--session"), setup)
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 3, "\(run)")
    #expect(!run.err.text.contains("level=warn"), "\(run)")
  }

  @Test(.needs(.program("strace")))
  func `every timer runs on the monotonic clock`() throws {
    let trace = try TestResources.folder() + "/trace"
    let calls = "timerfd_create,timer_create,setitimer,alarm,clock_settime,clock_nanosleep,adjtimex"
    let strace = [installed("strace"), "-f", "-e", "trace=\(calls)", "-o", trace]
    let options = ["--delay", "300ms", "--grace", "500ms", "--leftover-timeout", "300ms"]
    let run = try Run.program(strace + [Binaries.ebb()] + options + ["--"] + testApp("signals", "--ignore-term"))
    let supervisor = try run.line("ready").number("ppid")
    kill(supervisor, SIGTERM)
    try run.expect(.code(137))
    let text = try String(contentsOfFile: trace, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { $0.contains("(") }
    #expect(!lines.isEmpty)
    for line in lines { #expect(line.contains("timerfd_create(CLOCK_MONOTONIC"), "\(line)") }
  }

  @Test(arguments: PIDRole.possible)
  func `an idle supervisor never wakes up`(place: PIDRole) throws {
    let run = try Run.ready([], testApp("stay"), in: place)
    let supervisor = try run.supervisor()
    let last = try Proc.settle(supervisor)
    // Not a wait for a condition: the time over which context switches are counted.
    sleep(3)
    #expect(Proc.contextSwitches(of: supervisor) == last)
  }

  @Test(.needs(.root), arguments: [[], ["--pid-namespace"]])
  func `ebb stops leftovers as an unprivileged user`(namespace: [String]) throws {
    let setup = LaunchOptions(launch: namespace + ["--uid", "65534"])
    let run = try Run.ready(["--leftover-timeout", "20s"], testApp("leave", "2", "--on", "USR1"), setup)
    kill(namespace.isEmpty ? run.pid : try run.firstChild(), SIGUSR1)
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 2)
  }

  /// `swift run ebb` starts the debug binary.
  @Test func `the debug binary runs a command and stops it`() throws {
    let version = try Run.program([Binaries.debugEbb, "--version"])
    try version.expect(.code(0))
    #expect(version.out.text.hasPrefix("ebb "), "\(version)")
    let run = try Run.program([Binaries.debugEbb, "--delay", "0", "--"] + testApp("signals"))
    try run.line("ready")
    try run.stop(.code(0))
    #expect(run.signals.first == "got TERM", "\(run)")
  }

  @Test func `the release binary is static and at most 1 500 000 bytes long`() throws {
    let binary = try Binaries.ebb()
    let bytes = try readBytes(binary)
    #expect(bytes.count <= 1_500_000)
    #expect(isStatic(bytes))
  }

  /// Swift 6.3.1 turns an array literal into a global of its function. Each module that inlines the function defines
  /// the global and may number the literals differently, but the linker takes one definition for all. See
  /// Package.swift.
  @Test(.needs(.program("nm"))) func `no array literal is a global that two modules may number differently`() throws {
    let release =
      ((Binaries.testApp as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent + "/release"
    // Only linked objects, because objects of moved files stay in the folder.
    let script = """
      xargs nm < "$0/ebb.product/Objects.LinkFileList" > "$1" && grep -cE ' [VWu] .*Tv[0-9]*_r?$' "$1"
      """
    let run = try Run.program(["/bin/sh", "-c", script, release, try TestResources.folder() + "/symbols"])
    _ = try run.exit()
    try run.readToEnd()
    #expect(run.out.text == "0\n", "\(run)")
  }
}
