import Foundation
import TestSupport
import Testing

/// The needs of the core: one thread, some descriptors, and no other call that may be refused.
@Suite(.endsItsProcesses)
struct CoreTests {
  private func threads(_ run: Run) throws -> Int { Int(Proc.status(of: try run.supervisor())["Threads"] ?? "") ?? 0 }

  @Test(arguments: PIDRole.possible)
  func `ebb has one thread before its first log line and two after it`(place: PIDRole) throws {
    let run = try Run.ready(["--delay", "0"], testApp("signals", "--ignore-term"), in: place)
    let supervisor = try run.supervisor()
    _ = try Proc.settle(supervisor)
    #expect(try threads(run) == 1)
    try run.deliver(.sigusr1)
    #expect(try threads(run) == 1)
    try run.deliver(.sigterm)
    #expect(try threads(run) == 2)
  }

  /// As in ebb, which captures the creation of Dispatch's thread, and as without that.
  @Test(arguments: [("captured", 2, "true"), ("own", 3, "false")])
  func `the main thread serves Dispatch's manager queue only if the creation of its thread is captured`(
    way: String, threads: Int, isMain: String
  ) throws {
    let run = try Run.program([Binaries.manager, way, "20000"])
    try run.expect(.code(0))
    #expect(
      run.out.lines == ["signals=20000 timers=20000 threads=\(threads) main=\(isMain) joined=\(isMain)"], "\(run)")
  }

  // MARK: No thread

  /// Checks forwarding, a stop with its log lines, and the exit code.
  private func expectWholeRun(_ run: Run) throws {
    try run.line("ready")
    try run.deliver(.sigusr1)
    try run.send(.sigterm)
    try run.line("got TERM")
    try run.expect(.code(3))
    #expect(run.err.text.contains("event=stopping"), "\(run)")
    #expect(run.err.text.contains("event=exited"), "\(run)")
  }

  @Test(arguments: PIDRole.possible, ["1", "11"])
  func `ebb forwards, logs and stops if clone3 is refused`(place: PIDRole, error: String) throws {
    let command = testApp("signals", "--exit-on", "TERM:3")
    try expectWholeRun(
      try Run.ebb(["--delay", "100ms"], command, in: place, .launch("--refuse", "clone3:\(error)")))
  }

  @Test(.needs(.root))
  func `ebb forwards, logs and stops under RLIMIT_NPROC without a spare process`() throws {
    // A user id without other processes, because the limit counts all processes of a user.
    let launch = ["--uid", "\(1_000_000 + getpid())", "--rlimit-nproc", "2"]
    let command = testApp("signals", "--exit-on", "TERM:3")
    try expectWholeRun(try Run.ebb(["--delay", "100ms"], command, LaunchOptions(launch: launch)))
  }

  @Test(.needs(.pidsGroups))
  func `ebb forwards, logs and stops in a control group limited to two processes`() throws {
    let script = """
      \(TestRequirement.mountPids)
      group=/mnt/ebb-pids-$$
      mkdir $group && echo 2 > $group/pids.max && echo 0 > $group/cgroup.procs || exit 91
      exec \(try Binaries.ebb()) --delay 100ms -- \(Binaries.testApp) signals --exit-on TERM:3
      """
    let run = try Run.program([installed("unshare"), "--mount", "/bin/sh", "-c", script])
    try TestResources.atEnd { TestRequirement.removePidsGroup("ebb-pids-\(run.pid)") }
    try expectWholeRun(run)
  }

  @Test func `without a log thread a full pipe blocks nothing and lost lines are counted`() throws {
    let (reading, writing) = try makePipe()
    var setup = LaunchOptions.launch("--refuse", "clone3")
    setup.error = writing
    let run = try Run.ebb(["-vv", "--delay", "0"], testApp("signals", "--exit-on", "TERM:3"), setup)
    defer { close(reading) }
    try run.line("ready")
    // Each signal logs a line, and the pipe is not read.
    for _ in 0..<1500 {
      try run.deliver(.sigusr1)
    }
    let reader = CapturedOutput(dup(reading))
    reader.read()
    try run.deliver(.sigusr1)
    try run.stop(.code(3))
    close(writing)
    try Clock.wait(for: "the lines") {
      reader.read()
      return reader.text.contains("event=exited")
    }
    #expect(reader.lines.contains { $0.contains("event=log-dropped") }, "\(reader.text.suffix(2000))")
  }

  @Test func `ebb forwards, logs and stops with 8 MiB of address space`() throws {
    let command = testApp("signals", "--exit-on", "TERM:3")
    try expectWholeRun(try Run.ebb(["--delay", "100ms"], command, .launch("--rlimit-as", "\(8 << 20)")))
  }

  // MARK: Refused calls

  @Test(
    arguments: ["epoll_create1", "epoll_ctl", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime"],
    [(EPERM, "Operation not permitted"), (ENOSYS, "Function not implemented")])
  func `a refused system call of the core is a fatal error before the command starts`(
    call: String, error: (code: Int32, text: String)
  ) throws {
    let run = try Run.ebb([], testApp("stay"), .launch("--refuse", "\(call):\(error.code)"))
    try run.expect(.code(125))
    try run.readToEnd()
    #expect(run.out.text == "")
    #expect(run.err.text == "ebb: fatal: cannot supervise a command: \(call): \(error.text)\n")
  }

  @Test(
    .needs(.strace),
    arguments: ["epoll_create1", "epoll_ctl", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime"])
  func `a core failure after the start stops the command and ebb exits with 125`(call: String) throws {
    // The first call is before the command's start.
    let strace = [
      installed("strace"), "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
      "inject=\(call):error=ENOMEM:when=2",
    ]
    // SIGTERM is blocked before the command runs, so it arrives even if it is sent early.
    let command = testApp("signals", "--exit-on", "TERM:3")
    let run = try Run.program(
      strace + [try Binaries.ebb(), "--log", "json", "--"] + command, .launch("--block", "TERM"))
    try run.expect(.code(125))
    try run.readToEnd()
    #expect(run.signals.contains("got TERM"), "\(run)")
    let failure = try #require(run.events("core-failed").first, "\(run)")
    #expect(failure["problem"] as? String == "\(call): Cannot allocate memory")
    #expect(try run.report()["code"] as? Int == 125)
  }

  @Test(arguments: PIDRole.possible)
  func `ebb stops leftovers if getrandom is refused`(place: PIDRole) throws {
    let run = try Run.ebb(
      ["--leftover-timeout", "20s"], testApp("leave", "3"), in: place, .launch("--refuse", "getrandom"))
    try run.expect(.code(0))
    #expect(run.signals.filter { $0 == "leftover got TERM" }.count == 3, "\(run)")
  }

  // MARK: Descriptors

  @Test(arguments: PIDRole.possible, 3...13)
  func `too few descriptors are a fatal error that names how many ebb needs`(
    place: PIDRole, count: Int
  ) throws {
    let few = try Run.ebb([], testApp("stay"), in: place, .launch("--rlimit-nofile", "\(count)"))
    try few.expect(.code(125))
    try few.readToEnd()
    #expect(few.out.text == "")
    let words = few.err.text.split(separator: " ")
    #expect(few.err.text.contains("RLIMIT_NOFILE allows \(count):"), "\(few)")
    let needed = try #require(words.firstIndex(of: "file").flatMap { Int(words[$0 - 1]) }, "\(few)")
    // The named number is enough, and one less is not.
    for (limit, isEnough) in [(needed - 1, false), (needed, true)] {
      let run = try Run.ebb([], testApp("exit", "3"), in: place, .launch("--rlimit-nofile", "\(limit)"))
      try run.expect(.code(isEnough ? 3 : 125))
    }
  }

  @Test(arguments: 5...20)
  func `ebb raises its own descriptor limit and leaves the command's unchanged`(count: Int) throws {
    let options = ["--delay", "0", "--grace", "1s"]
    let run = try Run.ready(
      options, ["/bin/sh", "-c", "trap 'exit 3' TERM; ulimit -Sn; echo ready; while :; do sleep 0.1; done"],
      .launch("--rlimit-nofile", "\(count):100"))
    #expect(run.out.lines.first == "\(count)")
    try run.stop(.code(3))
    #expect(!run.err.text.contains("level=warn"), "\(run)")
  }

  @Test func `inherited descriptors count against the descriptor limit`() throws {
    let folder = try TestResources.folder()
    let inherited = (3..<20).flatMap { ["--open", "\($0):\(folder)/\($0)"] }
    let limit = try Run.ebb([], testApp("stay"), LaunchOptions(launch: inherited + ["--rlimit-nofile", "23"]))
    try limit.expect(.code(125))
    try limit.readToEnd()
    #expect(limit.err.text.contains("RLIMIT_NOFILE allows 23:"), "\(limit)")
    let raised = try Run.ebb([], testApp("exit", "3"), LaunchOptions(launch: inherited + ["--rlimit-nofile", "23:64"]))
    try raised.expect(.code(3))
  }

  @Test(arguments: PIDRole.possible)
  func `all leftovers are killed with the 14 descriptors that ebb requires`(place: PIDRole) throws {
    let options = ["--leftover-timeout", "500ms"]
    let command = testApp("leave", "20", "--ignore-term", "--session")
    let run = try Run.ebb(options, command, in: place, .launch("--rlimit-nofile", "14"))
    try run.expect(.code(0))
    try run.readToEnd()  // all processes that had its output have ended
    #expect(!run.err.text.contains("no-proc"), "\(run)")
  }

  // MARK: What it has from libdispatch and from glibc

  @Test(.needs(.root), arguments: ["0", "5"])
  func `the pre-stop hook runs with the niceness that ebb was given`(niceness: String) throws {
    let options = ["--pre-stop", "cut -d ' ' -f 19 /proc/self/stat", "--delay", "300ms"]
    let run = try Run.ready(options, testApp("signals"), .launch("--nice", niceness))
    try run.stop(.code(0))
    #expect(run.err.lines.contains(niceness), "\(run)")
  }

  @Test(arguments: PIDRole.possible, [Int32(32), 33])
  func `signals 32 and 33, which glibc reserves, have no effect on ebb`(place: PIDRole, number: Int32) throws {
    let run = try Run.ready(["-v", "--delay", "0"], testApp("signals"), in: place)
    let supervisor = try run.supervisor()
    // With one thread, and later with two.
    for _ in 0..<2 {
      kill(supervisor, number)
      try run.deliver(.sigusr1)
    }
    try run.line("ebb:", on: run.err)
    for _ in 0..<20 { kill(supervisor, number) }
    try run.deliver(.sigusr1)
    try run.stop(.code(0))
    #expect(run.signals == ["got USR1", "got USR1", "got USR1", "got TERM"], "\(run)")
  }
}
