import Foundation
import TestSupport
import Testing

/// The exit code of ebb for each end of the command.
@Suite(.endsItsProcesses)
struct ExitCodeTests {
  @Test(arguments: PIDRole.possible, [0, 1, 2, 42, 99, 125, 126, 127, 128, 255] as [Int32])
  func `ebb exits with the command's exit code`(place: PIDRole, code: Int32) throws {
    let run = try Run.ebb([], testApp("exit", "\(code)"), in: place)
    try run.expect(.code(code))
    #expect(run.err.text == "")
  }

  @Test(arguments: PIDRole.possible, [SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM, 64])
  func `ebb exits with 128 plus the number of the signal that killed the command`(place: PIDRole, signal: Int32) throws
  {
    let run = try Run.ebb([], testApp("kill-self", "\(signal)"), in: place)
    try run.expect(.code(128 + signal))
  }

  // MARK: Remapping

  @Test(
    arguments: [
      (["-e", "3"], "3", 0), (["-e3"], "3", 0), (["--remap-exit", "3:4"], "3", 4), (["--remap-exit=3:4"], "3", 4),
      (["-e", "1", "-e", "3:9", "-e", "5"], "3", 9), (["-e", "0:6"], "0", 6), (["-e", "4"], "3", 3),
    ] as [([String], String, Int32)])
  func `--remap-exit replaces an exit code`(options: [String], code: String, expected: Int32) throws {
    try Run.ebb(options, testApp("exit", code)).expect(.code(expected))
  }

  @Test func `--remap-exit 143 applies to a command that died of SIGTERM`() throws {
    let run = try Run.ready(["-e", "143", "--delay", "0"], testApp("stay"))
    try run.stop(.code(0))
  }

  @Test func `EBB_REMAP_EXIT replaces several exit codes`() throws {
    for (code, expected) in [("3", 0), ("7", 8), ("9", 9)] as [(String, Int32)] {
      try Run.ebb([], testApp("exit", code), .environment(["EBB_REMAP_EXIT": "3,7:8"])).expect(.code(expected))
    }
  }

  // MARK: Commands that cannot be executed

  @Test(arguments: ["/no/such/program", "no-such-program", "", "./no-such-program", "/etc/passwd/x"])
  func `a missing command makes ebb exit with 127`(command: String) throws {
    try expectFatal(Run.ebb([], [command]), 127, command)
  }

  @Test(arguments: PIDRole.possible)
  func `a command that exists but cannot be executed makes ebb exit with 126`(place: PIDRole) throws {
    let folder = try TestResources.folder()
    let files = [
      "plain": ("#!/bin/sh\n", 0o644), "interpreter": ("#!/no/such/interpreter\n", 0o755),
      "binary": ("\u{7f}ELF\0\0\0garbage", 0o755),
    ]
    for (name, (text, mode)) in files {
      let path = try write(text, mode: mode, to: folder, name)
      try expectFatal(Run.ebb([], [path], in: place), 126, path)
    }
    try expectFatal(Run.ebb([], [folder], in: place), 126, folder)
    let run = try Run.ebb([], ["/"], in: place)
    try expectFatal(run, 126, "/")
    #expect(run.err.text == "ebb: fatal: cannot execute \"/\": Is a directory\n")
  }

  @Test func `a file in PATH that cannot be executed makes ebb exit with 126`() throws {
    let folder = try TestResources.folder()
    try write("#!/bin/sh\n", mode: 0o644, to: folder, "tool")
    try expectFatal(Run.ebb([], ["tool"], .environment(["PATH": folder])), 126, "tool")
  }

  @Test func `the search in PATH continues after a file that cannot be executed`() throws {
    let (first, second) = (try TestResources.folder(), try TestResources.folder())
    try write("#!/bin/sh\nexit 1", mode: 0o644, to: first, "tool")
    try write("#!/bin/sh\nexit 12", mode: 0o755, to: second, "tool")
    let path = "/no/such/folder:\(first):\(second)"
    try Run.ebb([], ["tool"], .environment(["PATH": path])).expect(.code(12))
  }

  @Test func `a relative command path is resolved in ebb's initial working directory`() throws {
    let folder = try TestResources.folder()
    try write("#!/bin/sh\nexit 13", mode: 0o755, to: folder, "tool")
    try Run.ebb([], ["./tool"], .launch("--cwd", folder)).expect(.code(13))
  }

  @Test func `a script without an interpreter line is run by the shell`() throws {
    let folder = try TestResources.folder()
    let script = try write("echo $0 $1 \"$2\"\nexit 14\n", mode: 0o755, to: folder, "script")
    let run = try Run.ebb([], [script, "a", "b  c"])
    try run.expect(.code(14))
    #expect(run.out.lines == ["\(script) a b  c"])
  }

  @Test func `an empty executable file exits with 0`() throws {
    let folder = try TestResources.folder()
    try Run.ebb([], [write("", mode: 0o755, to: folder, "empty")]).expect(.code(0))
  }

  @discardableResult
  private func write(_ text: String, mode: Int, to folder: String, _ name: String) throws -> String {
    let path = folder + "/" + name
    try spawning.withLock { _ in try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  /// Checks the exit code and the one line that names the command.
  private func expectFatal(_ run: Run, _ code: Int32, _ command: String) throws {
    try run.expect(.code(code))
    #expect(run.out.text == "")
    #expect(run.err.lines.count == 1, "\(run)")
    #expect(run.err.text.contains("cannot execute \"\(command)\""), "\(run)")
  }
}
