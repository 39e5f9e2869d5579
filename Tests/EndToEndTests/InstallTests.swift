import Foundation
import Testing

/// `ebb install` and `ebb plan`, run as processes.
@Suite(.endsItsProcesses)
struct InstallTests {
  private let files = FileManager.default

  private func content(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// The names in a folder, including hidden files.
  private func names(in folder: String) throws -> [String] { try files.contentsOfDirectory(atPath: folder).sorted() }

  @Test func `ebb install into a folder creates a file named ebb that runs`() throws {
    let folder = try TestResources.folder()
    let run = try Run.ebb(arguments: ["install", folder])
    try run.expect(.code(0))
    #expect(run.out.lines.count == 1)
    #expect(run.out.text.hasSuffix(" as \(folder)/ebb\n"))
    #expect(try content(folder + "/ebb") == content(Binaries.ebb()))
    #expect(try names(in: folder) == ["ebb"])
    try Run.program([folder + "/ebb", "--", Binaries.testApp, "exit", "7"]).expect(.code(7))
  }

  @Test func `ebb install creates a file of mode 0755 under a umask of 077`() throws {
    let folder = try TestResources.folder()
    let script = "umask 077; exec \"$0\" install \"$1\""
    try Run.program(["/bin/sh", "-c", script, Binaries.ebb(), folder + "/tini"]).expect(.code(0))
    let mode = try files.attributesOfItem(atPath: folder + "/tini")[.posixPermissions] as? Int
    #expect(mode == 0o755)
    #expect(try names(in: folder) == ["tini"])
  }

  @Test func `ebb install replaces a running executable and removes the temporary file of an earlier try`() throws {
    let folder = try TestResources.folder()
    try files.copyItem(atPath: "/bin/sleep", toPath: folder + "/tini")
    let old = try Run.program([folder + "/tini", "1000"])
    // A restarted container has the same process id as before: 1.
    let script = "printf old > \"$1/.ebb-install-$$\"; exec \"$0\" install \"$1/tini\""
    try Run.program(["/bin/sh", "-c", script, Binaries.ebb(), folder]).expect(.code(0))
    #expect(try content(folder + "/tini") == content(Binaries.ebb()))
    #expect(try names(in: folder) == ["tini"])
    #expect(kill(old.pid, 0) == 0)
  }

  @Test func `ebb install into a missing folder names the file and the cause`() throws {
    let folder = try TestResources.folder()
    let run = try Run.ebb(arguments: ["install", folder + "/missing/ebb"])
    try run.expect(.code(125))
    #expect(run.out.text == "")
    #expect(run.err.text.hasPrefix("ebb: install: cannot create \"\(folder)/missing/.ebb-install-"))
    #expect(run.err.text.hasSuffix("\": No such file or directory\n"))
  }

  @Test func `ebb install does not replace a device`() throws {
    let run = try Run.ebb(arguments: ["install", "/dev/null"])
    try run.expect(.code(125))
    #expect(run.err.text == "ebb: install: \"/dev/null\" is neither a file nor a folder\n")
  }

  @Test(.needs(.root), arguments: [("size=64k", "No space left on device"), ("ro", "Read-only file system")])
  func `ebb install keeps the old file on a full or read-only file system`(_ options: String, _ reason: String) throws {
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

  @Test func `ebb install with an option runs the program install`() throws {
    let folder = try TestResources.folder()
    try run("install", "-d", folder + "/made").expect(.code(0))
    #expect(try names(in: folder) == ["made"])
  }

  private func run(_ words: String...) throws -> Run { try Run.ebb(arguments: words) }

  @Test func `ebb plan prints the plan and starts no command`() throws {
    let plan = try run("plan", "--json", "-t", "20s")
    try plan.expect(.code(0))
    let fields = try plan.out.text.jsonObject()
    #expect(fields["grace_period_ms"] as? Int == 20_000)
    #expect(plan.err.text == "")
  }

  @Test func `ebb plan warns about an unknown EBB_ variable`() throws {
    let plan = try Run.ebb(arguments: ["plan"], .environment(["EBB_GRCE": "1s"]))
    try plan.expect(.code(0))
    #expect(plan.out.text.contains("\nwarning: \"EBB_GRCE\" is not a variable of ebb and has no effect"))
  }

  @Test func `ebb plan exits with 125 and shows the arithmetic if the times do not fit`() throws {
    let plan = try run("plan", "--delay", "40s")
    try plan.expect(.code(125))
    #expect(plan.out.text == "")
    #expect(plan.err.text.hasPrefix("ebb: plan: delay 40s, and 2s for the end, do not fit into"))
    #expect(plan.err.lines.count == 1)
  }
}
