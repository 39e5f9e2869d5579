import Foundation
import Supervision
import TestSupport
import Testing

@testable import LinuxFormats
@testable import Platform
@testable import Primitives

/// The wrappers of process system calls. They wait for any child of this process, and would take the exits that other
/// tests wait for. So they run only alone.
@Suite(
  .serialized,
  .enabled(
    if: CommandLine.arguments.contains { $0.contains("ChildTests") }, "skipped here: swift test --filter ChildTests"))
struct ChildTests {
  private let settings = SpawnSettings(
    blockedSignals: SignalSet(), ignoresChildSignal: false, newSession: false, terminal: nil)

  private func start(_ words: String...) throws(SpawnFailure) -> Int32 {
    let arguments = CStrings.allocate(capacity: words.count + 1)
    for (index, word) in words.enumerated() { arguments[index] = strdup(word) }
    arguments[words.count] = nil
    defer { arguments.deallocate() }
    return try spawn(arguments, environment: environ, settings)
  }

  private func nextEvent(of pid: Int32) -> ChildEvent {
    while true {
      // Blocks until there is an event, which it leaves for `nextChildEvent`.
      var info = siginfo_t()
      waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT)
      switch nextChildEvent() {
      case .ended(let ended, let status) where ended == pid: return .ended(pid: ended, status)
      case .stopped(let stopped, let signal) where stopped == pid: return .stopped(pid: stopped, by: signal)
      case .noChildren: return .noChildren
      default: continue
      }
    }
  }

  private func failure(_ words: String...) -> SpawnFailure? {
    do {
      _ = words.count == 1 ? try start(words[0]) : try start(words[0], words[1])
      return nil
    } catch { return error }
  }

  @Test func `nextChildEvent reports exits, deaths by signal and suspensions of children`() throws {
    guard case .ended(_, .exited(code: 7)) = nextEvent(of: try start("sh", "-c", "exit 7")) else {
      return #expect(Bool(false), "no exit code 7")
    }
    guard case .ended(_, .killed(by: .sigusr1, _)) = nextEvent(of: try start("sh", "-c", "kill -USR1 $$")) else {
      return #expect(Bool(false), "not killed by USR1")
    }
    let sleeper = try start("sleep", "1000")
    try sendSignal(Signal(number: 19)!, to: .process(sleeper))
    guard case .stopped(_, let signal) = nextEvent(of: sleeper) else { return #expect(Bool(false), "not stopped") }
    #expect(signal.name == "STOP")
    try sendSignal(.sigkill, to: .process(sleeper))
    guard case .ended(_, .killed(by: .sigkill, _)) = nextEvent(of: sleeper) else {
      return #expect(Bool(false), "not killed")
    }
    guard case .noChildren = nextEvent(of: 0) else { return #expect(Bool(false), "still has children") }
    #expect(throws: Errno(code: ESRCH)) { try sendSignal(.sigterm, to: .process(sleeper)) }
  }

  @Test func `a spawned child leads its own process group`() throws {
    let pid = try start("sleep", "1000")
    #expect(getpgid(pid) == pid)
    try sendSignal(.sigkill, to: .group(pid))
    _ = nextEvent(of: pid)
  }

  @Test func `spawn names the reason if a file cannot be executed and runs a script without an interpreter line`()
    throws
  {
    let folder = try TemporaryFolder()
    func file(_ name: String, _ content: [UInt8], mode: mode_t) -> String {
      let path = folder.path + "/" + name
      _ = FileManager.default.createFile(atPath: path, contents: Data(content))
      chmod(path, mode)
      return path
    }
    let text = Array("exit 3\n".utf8)
    let cases: [(SpawnFailure?, Int, String)] = [
      (failure("no-such-command"), 127, "not found in PATH"),
      (failure("/no/such/file"), 127, "no such file"),
      (failure(""), 127, "not found"),
      (failure("/tmp"), 126, "Is a directory"),
      (failure(file("plain", text, mode: 0o644)), 126, "Permission denied"),
      (failure(file("lost", Array("#!/no/such/interpreter\n".utf8), mode: 0o755)), 126, "interpreter"),
      (failure(file("elf", [0x7F, 0x45, 0x4C, 0x46, 0, 0, 0], mode: 0o755)), 126, "another architecture"),
    ]
    for (failure, code, part) in cases {
      #expect(failure?.code == code, "\(part)")
      #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "started")")
    }
    // A script without #! runs as it does in a shell.
    guard case .ended(_, .exited(code: 3)) = nextEvent(of: try start(file("script", text, mode: 0o755))) else {
      return #expect(Bool(false), "the script did not run")
    }
  }

  /// One read(2) of the kernel's list returns one page.
  @Test func `readChildren and ownChildren return all of 1000 children`() throws {
    let pids = try (0..<1000).map { _ in try start("sleep", "1000") }
    let found = try Set(readChildren())
    #expect(found.isSuperset(of: pids))
    #expect(try Set(readOwnChildren().map(\.pid)).isSuperset(of: pids))
    for pid in pids { try sendSignal(.sigkill, to: .process(pid)) }
    for pid in pids { _ = nextEvent(of: pid) }
  }

  @Test func `the process table contains this process, and its child until it is reaped`() throws {
    let pid = try start("sleep", "1000")
    let table = try readProcessTable()
    #expect(descendants(of: getpid(), among: table).contains { $0.pid == pid })
    #expect(table.contains { $0.pid == getpid() && $0.parent == getppid() })
    try sendSignal(.sigkill, to: .process(pid))
    _ = nextEvent(of: pid)
    #expect(try readProcessTable().contains { $0.pid == pid } == false)
  }
}

@Suite struct SignalDescriptorTests {
  @Test func `takeSignals returns the pending signals and nothing else`() async throws {
    // In a new thread, because the signal mask belongs to the thread.
    let names = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        _ = blockAllSignals()
        let realTime = Signal(text: "RTMIN+5")!
        guard let descriptor = try? openSignalDescriptor(SignalSet([realTime, .sigusr2])) else {
          return continuation.resume(returning: ["no descriptor"])
        }
        var found = (try? takeSignals(from: descriptor))?.map(\.name) ?? ["error"]
        for signal in [realTime, .sigusr2, realTime] { pthread_kill(pthread_self(), signal.number) }
        found += (try? takeSignals(from: descriptor))?.map(\.name) ?? ["error"]
        close(descriptor)
        continuation.resume(returning: found)
      }
    }
    #expect(names == ["USR2", "RTMIN+5", "RTMIN+5"])  // real-time signals are queued and delivered after the others
  }
}
