import Foundation
import Testing

/// `ebb install /PATH` and `ebb plan`, as processes.
@Suite(.endsItsProcesses)
struct InstallTests {
  private let files = FileManager.default

  private func content(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// All that is in a folder, hidden files too.
  private func names(in folder: String) throws -> [String] { try files.contentsOfDirectory(atPath: folder).sorted() }

  @Test func `into a folder it installs a file called ebb that runs`() throws {
    let folder = try TestResources.folder()
    let run = try Run.ebb(arguments: ["install", folder])
    try run.expect(.code(0))
    #expect(run.out.lines.count == 1)
    #expect(run.out.text.hasSuffix(" as \(folder)/ebb\n"))
    #expect(try content(folder + "/ebb") == content(Binaries.ebb()))
    #expect(try names(in: folder) == ["ebb"])
    try Run.program([folder + "/ebb", "--", Binaries.testApp, "exit", "7"]).expect(.code(7))
  }

  @Test func `under another name the mode is 0755, whatever the umask`() throws {
    let folder = try TestResources.folder()
    let script = "umask 077; exec \"$0\" install \"$1\""
    try Run.program(["/bin/sh", "-c", script, Binaries.ebb(), folder + "/tini"]).expect(.code(0))
    let mode = try files.attributesOfItem(atPath: folder + "/tini")[.posixPermissions] as? Int
    #expect(mode == 0o755)
    #expect(try names(in: folder) == ["tini"])
  }

  @Test func `a file that is being executed is replaced, and what an earlier try left behind is cleared away`() throws {
    let folder = try TestResources.folder()
    try files.copyItem(atPath: "/bin/sleep", toPath: folder + "/tini")
    let old = try Run.program([folder + "/tini", "1000"])
    // The process id of a container that is started again is that of the earlier one: 1.
    let script = "printf old > \"$1/.ebb-install-$$\"; exec \"$0\" install \"$1/tini\""
    try Run.program(["/bin/sh", "-c", script, Binaries.ebb(), folder]).expect(.code(0))
    #expect(try content(folder + "/tini") == content(Binaries.ebb()))
    #expect(try names(in: folder) == ["tini"])
    #expect(kill(old.pid, 0) == 0)
  }

  @Test func `where there is no such folder the message names the file and why`() throws {
    let folder = try TestResources.folder()
    let run = try Run.ebb(arguments: ["install", folder + "/missing/ebb"])
    try run.expect(.code(125))
    #expect(run.out.text == "")
    #expect(run.err.text.hasPrefix("ebb: install: cannot create \"\(folder)/missing/.ebb-install-"))
    #expect(run.err.text.hasSuffix("\": No such file or directory\n"))
  }

  @Test func `a device is not replaced`() throws {
    let run = try Run.ebb(arguments: ["install", "/dev/null"])
    try run.expect(.code(125))
    #expect(run.err.text == "ebb: install: \"/dev/null\" is neither a file nor a folder\n")
  }

  @Test(.needs(.root), arguments: [("size=64k", "No space left on device"), ("ro", "Read-only file system")])
  func `where nothing can be written the old file stays`(_ options: String, _ reason: String) throws {
    let folder = try TestResources.folder()
    let script = """
      mount -t tmpfs none "$1" && printf old > "$1/ebb" && mount -o "remount,$2" "$1" || exit 1
      "$0" install "$1"
      test $? = 125 && cat "$1/ebb" && ls -A "$1"
      """
    let run = try Run.program([
      "/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, Binaries.ebb(), folder, options,
    ])
    try run.expect(.code(0))
    #expect(run.out.text == "oldebb\n")
    #expect(run.err.text.hasSuffix("\": \(reason)\n"))
  }

  @Test func `an image's install runs as a program`() throws {
    let folder = try TestResources.folder()
    try run("install", "-d", folder + "/made").expect(.code(0))
    #expect(try names(in: folder) == ["made"])
  }

  private func run(_ words: String...) throws -> Run { try Run.ebb(arguments: words) }

  @Test func `a plan is printed and starts nothing`() throws {
    let plan = try run("plan", "--json", "-t", "20s")
    try plan.expect(.code(0))
    let fields = try JSONSerialization.jsonObject(with: Data(plan.out.text.utf8)) as? [String: Any]
    #expect(fields?["grace_period_ms"] as? Int == 20_000)
    #expect(plan.err.text == "")
  }

  @Test func `a plan knows the variables that are not ebb's`() throws {
    let plan = try Run.ebb(arguments: ["plan"], .environment(["EBB_GRCE": "1s"]))
    try plan.expect(.code(0))
    #expect(plan.out.text.contains("\nwarning: \"EBB_GRCE\" is not a variable of ebb and has no effect"))
  }

  @Test func `a plan that does not fit ends with 125 and the arithmetic`() throws {
    let plan = try run("plan", "--delay", "40s")
    try plan.expect(.code(125))
    #expect(plan.out.text == "")
    #expect(plan.err.text.hasPrefix("ebb: plan: delay 40s, and 2s for the end, do not fit into"))
    #expect(plan.err.lines.count == 1)
  }
}
