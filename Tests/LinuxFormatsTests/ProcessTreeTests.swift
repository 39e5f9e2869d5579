import Testing

@testable import LinuxFormats
@testable import Primitives
@testable import Supervision

@Suite struct ProcessTableTests {
  private func entry(_ text: String) -> ProcPIDStat? { ProcPIDStat(stat: Array(text.utf8)) }
  private let tail = " S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 8675309 1000 20"

  @Test func `a line of /proc/PID/stat gives pid, parent and start time`() {
    #expect(entry("7 (app)\(tail)") == ProcPIDStat(pid: 7, parent: 1, startTime: 8_675_309))
  }

  @Test func `a process name with spaces and parentheses does not shift the fields behind it`() {
    for name in ["a b", ") R 99 (", "(((", "", "\n", "a) S 5"] {
      #expect(entry("7 (\(name))\(tail)") == ProcPIDStat(pid: 7, parent: 1, startTime: 8_675_309), "\(name)")
    }
  }

  @Test(arguments: [
    "", "7", "7 (app", "7 app) S 1", "(app) S 1", "7 (app) S", "7 (app) S x 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 8 0",
    ")(",
  ])
  func `a line that is not one of /proc/PID/stat is refused`(_ text: String) { #expect(entry(text) == nil) }

  @Test func `the descendants of a process are its own tree, parents first`() {
    let table = [(1, 0), (7, 1), (8, 7), (9, 8), (20, 0), (21, 20), (22, 1)].map {
      ProcPIDStat(pid: $0.0, parent: $0.1, startTime: 0)
    }
    #expect(descendants(of: 1, among: table).map(\.pid) == [7, 22, 8, 9])
    #expect(descendants(of: 9, among: table).isEmpty)
  }

  @Test func `a list of children is parsed without the last pid if that is cut off`() {
    #expect(parseChildPIDs(Array("7 88 1234 ".utf8)) == [7, 88, 1234])
    #expect(parseChildPIDs(Array("7 88 12".utf8)) == [7, 88])  // cut off
    #expect(parseChildPIDs([]).isEmpty)
    #expect(parseChildPIDs(Array("x 9 -1 99999999999999 ".utf8)) == [9])
  }

  @Test func `the search for descendants ends in a table that holds a circle`() {
    let circle = [(2, 3), (3, 2), (4, 1), (1, 4)].map { ProcPIDStat(pid: $0.0, parent: $0.1, startTime: 0) }
    #expect(descendants(of: 2, among: circle).map(\.pid).contains(3))
    #expect(descendants(of: 1, among: circle).map(\.pid).contains(4))
  }
}

@Suite struct CommandSearchTests {
  @Test func `a command without a slash is searched in each folder of PATH`() {
    #expect(executableCandidates(for: "app", path: "/a:/b/") == ["/a/app", "/b//app"])
    #expect(executableCandidates(for: "app", path: ":/a:") == ["app", "/a/app", "app"])
    #expect(executableCandidates(for: "./app", path: "/a") == ["./app"])
    #expect(executableCandidates(for: "", path: "/a").isEmpty)
    #expect(executableCandidates(for: "app", path: nil).contains("/usr/bin/app"))
  }

  @Test func `a killed command's exit code is 128 and the signal, and the last remap of a code wins`() {
    #expect(ExitStatus.exited(code: 7).code == 7)
    #expect(ExitStatus.killed(by: .sigkill, dumpedCore: false).code == 137)
    let remaps = [ExitCodeRemap(from: 143, to: 0), ExitCodeRemap(from: 1, to: 2), ExitCodeRemap(from: 1, to: 3)]
    #expect(remaps.apply(to: 143) == 0)
    #expect(remaps.apply(to: 1) == 3)
    #expect(remaps.apply(to: 5) == 5)
  }
}
