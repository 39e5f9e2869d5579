import Foundation
import Testing

/// The command lines of tini, dumb-init and catatonit. Each test also runs with Debian's program, which proves the
/// expectation.
@Suite(.endsItsProcesses, .needsOtherInits)
struct OtherInitCommandLineTests {
  /// Arguments and the expected exit code. FILE stands for a file that cannot be executed, SCRIPT for a script without
  /// an interpreter.
  struct Line: Sendable, CustomTestStringConvertible {
    let name: String
    let words: [String]
    let code: Int32
    let variables: [String: String]

    init(_ name: String, _ words: [String], _ code: Int32, _ variables: [String: String] = [:]) {
      (self.name, self.words, self.code, self.variables) = (name, words, code, variables)
    }

    var testDescription: String { ([name] + words).joined(separator: " ") }
  }

  private func check(_ line: Line, _ maker: Init.Maker) throws {
    let folder = try TestResources.folder()
    let files = FileManager.default
    try Data("#!/no/such/interpreter\n".utf8).write(to: URL(fileURLWithPath: folder + "/SCRIPT"))
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/SCRIPT")
    try Data().write(to: URL(fileURLWithPath: folder + "/FILE"))
    let words = line.words.map { $0.replacing("FILE", with: folder + "/FILE") }
    let run = try Init(name: line.name, maker: maker).start(
      words.map { $0.replacing("SCRIPT", with: folder + "/SCRIPT") }, line.variables)
    try run.expect(.code(line.code))
  }

  private static let exit3 = ["--", "sh", "-c", "exit 3"]

  static let tini: [Line] = [
    Line("tini", ["-s", "-g", "-w", "-v"] + exit3, 3), Line("tini", ["-sgwvvv"] + exit3, 3),
    Line("tini", ["-s", "-p", "SIGTERM"] + exit3, 3), Line("tini", ["-spSIGKILL"] + exit3, 3),
    Line("tini", ["-p", "TERM"] + exit3, 1), Line("tini", ["-p", "15"] + exit3, 1),
    Line("tini", ["-p", "sigterm"] + exit3, 1), Line("tini", ["-p", "SIGRTMIN"] + exit3, 1), Line("tini", ["-p"], 1),
    Line("tini", ["-e", "3"] + exit3, 0), Line("tini", ["-e", "4", "-e3"] + exit3, 0),
    Line("tini", ["-e", "4"] + exit3, 3), Line("tini", ["-e", "256"] + exit3, 1),
    Line("tini", ["-e", "3:4"] + exit3, 1), Line("tini", ["-e", "-1"] + exit3, 1), Line("tini", ["-e"], 1),
    Line("tini", ["-e", "143", "--", "sh", "-c", "kill $$"], 0),
    Line("tini", ["-h"], 0), Line("tini", ["-l"], 0), Line("tini", ["-gh", "-x"], 0), Line("tini", ["sh", "-h"], 0),
    Line("tini", ["--version", "sh"], 1), Line("tini", ["-V"], 1), Line("tini", ["--help"], 1),
    Line("tini", ["-x"], 1), Line("tini", [], 1), Line("tini", ["-s", "--"], 1),
    // Lines that glibc's getopt reorders.
    Line("tini", ["sh", "--", "-c", "exit 2"], 2), Line("tini", ["sh", "-s", "--", "-c", "exit 2"], 2),
    Line("tini", ["sh", "-e", "2", "--", "-c", "exit 2"], 0), Line("tini", ["sh", "-c", "exit 2"], 1),
    Line("tini", ["-s", "sh", "-c", "exit 2"], 2, ["POSIXLY_CORRECT": "1"]), Line("tini", ["-"], 127),
    Line("tini", ["no-such-program"], 127), Line("tini", ["/no/such"], 127), Line("tini", [""], 127),
    Line("tini", ["SCRIPT"], 127), Line("tini", ["FILE"], 126), Line("tini", ["/"], 126),
    Line("tini", ["FILE/below"], 1),
    Line("tini-static", exit3, 3), Line("docker-init", exit3, 3), Line("docker-init", ["no-such-program"], 127),
  ]

  @Test(arguments: tini, Init.Maker.allCases)
  func `a command line of tini gives the same exit code under ebb`(line: Line, maker: Init.Maker) throws {
    try check(line, maker)
  }

  static let dumbInit: [Line] = [
    Line("dumb-init", exit3, 3), Line("dumb-init", ["-c", "sh", "-c", "exit 3"], 3),
    Line("dumb-init", ["--single-child"] + exit3, 3), Line("dumb-init", ["-cv"] + exit3, 3),
    Line("dumb-init", ["--verbose", "--rewrite", "15:3", "--rewrite=1:0"] + exit3, 3),
    Line("dumb-init", ["sh", "--", "-c", "exit 3"], 2),  // the shell's own code, because it gets the --
    Line("dumb-init", ["-r", "15:0"] + exit3, 3), Line("dumb-init", ["-r", "15:31"] + exit3, 3),
    Line("dumb-init", ["-r", "11:21"] + exit3, 3), Line("dumb-init", ["-r", "17:3"] + exit3, 3),
    Line("dumb-init", ["-r", "15:3x"] + exit3, 3), Line("dumb-init", ["-r", " 15: 3"] + exit3, 3),
    Line("dumb-init", ["-r", "15:32"] + exit3, 1), Line("dumb-init", ["-r", "0:3"] + exit3, 1),
    Line("dumb-init", ["-r", "32:3"] + exit3, 1), Line("dumb-init", ["-r", "15"] + exit3, 1),
    Line("dumb-init", ["-r", "15:-1"] + exit3, 1), Line("dumb-init", ["-r", "TERM:INT"] + exit3, 1),
    Line("dumb-init", ["-r"], 1), Line("dumb-init", ["-x"], 1), Line("dumb-init", [], 1), Line("dumb-init", ["--"], 1),
    Line("dumb-init", ["-h"], 0), Line("dumb-init", ["--help"], 0), Line("dumb-init", ["-cV", "-x"], 0),
    Line("dumb-init", ["no-such-program"], 2), Line("dumb-init", ["FILE"], 2), Line("dumb-init", ["/"], 2),
    Line("dumb-init", ["SCRIPT"], 2), Line("dumb-init", [""], 2),
  ]

  @Test(arguments: dumbInit, Init.Maker.allCases)
  func `a command line of dumb-init gives the same exit code under ebb`(line: Line, maker: Init.Maker) throws {
    try check(line, maker)
  }

  static let catatonit: [Line] = [
    Line("catatonit", exit3, 3), Line("catatonit", ["-g"] + exit3, 3),
    Line("catatonit", ["sh", "--", "-c", "exit 3"], 3), Line("catatonit", ["sh", "-c", "exit 3"], 1),
    Line("catatonit", ["-h"], 0), Line("catatonit", ["-L"], 0), Line("catatonit", ["-V"], 0),
    Line("catatonit", ["--version", "sh"], 0), Line("catatonit", ["--help"], 1), Line("catatonit", ["-x"], 1),
    Line("catatonit", ["-s"] + exit3, 1), Line("catatonit", [], 1), Line("catatonit", ["-g", "--"], 1),
    Line("catatonit", ["no-such-program"], 1), Line("catatonit", ["FILE"], 1), Line("catatonit", ["/"], 1),
    Line("catatonit", ["SCRIPT"], 1), Line("podman-init", exit3, 3), Line("podman-init", ["no-such-program"], 1),
  ]

  @Test(arguments: catatonit, Init.Maker.allCases)
  func `a command line of catatonit gives the same exit code under ebb`(line: Line, maker: Init.Maker) throws {
    try check(line, maker)
  }

  @Test(
    arguments: [
      ("tini", "tini version 0.19.0"), ("docker-init", "tini version 0.19.0"),
      ("tini-static", "tini version 0.19.0"), ("dumb-init", "dumb-init v1.2."),
      ("catatonit", "tini version 0."), ("podman-init", "tini version 0."),
    ], Init.Maker.allCases)
  func `--version under another init's name begins with that init's version and names ebb after it`(
    expected: (name: String, line: String), maker: Init.Maker
  ) throws {
    let run = try Init(name: expected.name, maker: maker).start(["--version"])
    try run.expect(.code(0))
    try run.readToEnd()
    let text = run.out.text + run.err.text
    #expect(text.hasPrefix(expected.line), "\(run)")
    #expect(text.contains("ebb 0.") == (maker == .ebb), "\(run)")
  }

  @Test(arguments: Init.names)
  func `ebb under another init's name prints nothing of its own`(name: String) throws {
    // Neither company-wide settings nor an empty variable activate ebb.
    let variables = ["EBB_LOG": "json", "EBB_VERBOSE": "2", "EBB_DELAYS": "1s", "EBB_DELAY": "", "EBB_HEALTH": ""]
    let options = name.contains("tini") || name == "docker-init" ? ["-s"] : []
    let run = try Init(name: name, maker: .ebb).start(options + ["--"] + testApp("signals"), variables)
    try run.line("ready")
    try run.stop(.code(0))
    try run.readToEnd()
    #expect(run.err.text == "", "\(run)")
  }
}
