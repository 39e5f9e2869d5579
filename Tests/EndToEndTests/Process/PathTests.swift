import Foundation
import Testing

/// Paths are bytes in any encoding.
@Suite(.endsItsProcesses)
struct PathTests {
  /// Runs a shell script in a new folder, with ebb as `$0` and `caf\xe9` as `$name`.
  private func run(_ script: String) throws -> Run {
    let setup = "cd \"$1\"; name=$(printf 'caf\\351'); printf '#!/bin/sh\\necho ran \"$@\"; exit 3\\n' > \"$name\"; "
    return try Run.program(
      ["/bin/sh", "-c", setup + "chmod 755 \"$name\"; " + script, try Binaries.ebb(), try TestResources.folder()])
  }

  @Test func `a command whose name is not UTF-8 runs`() throws {
    let run = try run("exec \"$0\" -- \"./$name\" a")
    try run.expect(.code(3))
    #expect(run.out.lines == ["ran a"])
  }

  @Test func `a folder of PATH whose name is not UTF-8 is searched`() throws {
    let run = try run(
      "mkdir -p \"d$name\"; mv \"$name\" \"d$name/app\"; PATH=\"/none:$PWD/d$name:$PATH\" exec \"$0\" -- app")
    try run.expect(.code(3))
    #expect(run.out.lines == ["ran"])
  }

  @Test func `a script without an interpreter line whose name is not UTF-8 runs`() throws {
    let run = try run("printf 'exit 4\\n' > \"$name\"; exec \"$0\" -- \"./$name\"")
    try run.expect(.code(4))
  }

  @Test(arguments: ["--termination-log \"$PWD/log$name\"", "--termination-log=\"$PWD/log$name\""])
  func `--termination-log writes to a path that is not UTF-8`(option: String) throws {
    let run = try run("\"$0\" \(option) -- true; test -s \"log$name\" && ls | wc -l")
    try run.expect(.code(0))
    #expect(run.out.lines == ["2"], "\(run)")
  }

  @Test func `EBB_TERMINATION_LOG writes to a path that is not UTF-8`() throws {
    let run = try run("EBB_TERMINATION_LOG=\"$PWD/log$name\" \"$0\" -- true; test -s \"log$name\"")
    try run.expect(.code(0))
  }

  @Test func `a pre-stop hook runs with a path, a working directory and an argument that are not UTF-8`() throws {
    let command = "\(Binaries.testApp) signals --exit-on TERM:5"
    let run = try run(
      "mkdir \"d$name\"; mv \"$name\" \"d$name\"; cd \"d$name\"; "
        + "exec \"$0\" --pre-stop \"./$name '$name'\" --delay 300ms -- \(command)")
    try run.line("ready")
    try run.stop(.code(5))
    #expect(run.err.lines.contains { $0.hasPrefix("ran caf") }, "\(run)")
  }

  @Test func `a missing command whose name is not UTF-8 is named in valid UTF-8`() throws {
    let run = try run("exec \"$0\" -- \"./no$name\"")
    try run.expect(.code(127))
    #expect(run.err.lines == ["ebb: fatal: cannot execute \"./nocaf\u{fffd}\": no such file"])
  }
}
