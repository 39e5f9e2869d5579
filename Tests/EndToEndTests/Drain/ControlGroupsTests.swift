import Foundation
import Testing

/// Containers that share a network namespace but see no processes of each other: the control group shows the owner of a
/// listening socket.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.controlGroups), .needs(.program("unshare")))
struct ControlGroupsTests {
  /// Starts a server on port 7000 in one group and one on 7001 in another, then `ebb drain` in `group`, which sees only
  /// its own process. With `root` its group is the root of its cgroup namespace, as in a container.
  private func ports(seenFrom group: String, root: Bool = false) throws -> String? {
    let drain = "\(try Binaries.ebb()) drain --delay 0 --drain-quiet 200ms"
    let inside = root ? "umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec \(drain)" : "exec \(drain)"
    let script = """
      mount -t cgroup2 none /sys/fs/cgroup || exit
      groups=/sys/fs/cgroup/ebb-tests-$$
      mkdir -p $groups/a $groups/b
      enter() { echo 0 > $groups/$1/cgroup.procs; }
      (enter a; exec \(Binaries.testApp) serve 7000) & first=$!
      (enter b; exec \(Binaries.testApp) serve 7001) & second=$!
      until [ "$(grep -c '^ *[0-9]*: 0100007F:1B5[89] .* 0A ' /proc/net/tcp)" = 2 ]; do sleep 0.02; done
      (enter \(group); exec unshare \(root ? "--cgroup" : "") --mount --pid --fork --mount-proc sh -c '\(inside)')
      kill $first $second
      wait
      rmdir $groups/a $groups/b $groups
      """
    let run = try Run.program(
      ["/bin/sh", "-c", "exec unshare --mount sh -c \"$0\"", script], .launch("--network-namespace"))
    try run.expect(.code(0))
    let last = try #require(run.out.lines.last { $0.hasPrefix("drained after ") }, "\(run)")
    return last.components(separatedBy: ", ").first { $0.hasPrefix("port ") }
  }

  @Test func `ebb drain counts the listening sockets of its own control group`() throws {
    #expect(try ports(seenFrom: "a") == "port 7000")
    #expect(try ports(seenFrom: "b") == "port 7001")
  }

  @Test
  func `ebb drain counts the sockets of its control group in a cgroup namespace`() throws {
    #expect(try ports(seenFrom: "b", root: true) == "port 7001")
  }

  @Test func `ebb drain counts all listening sockets when none belongs to its control group`() throws {
    #expect(try ports(seenFrom: ".") == "port 7000 7001")
  }

  /// Docker's containers run this way: root without CAP_SYS_PTRACE.
  @Test(.needs(.program("setpriv")))
  func `ebb counts the listening socket of a child of another user in its control group`() throws {
    let serve = "\(Binaries.testApp) serve"
    let tree = "setpriv --reuid 65534 --clear-groups \(serve) 7001 & exec \(serve) 7000"
    let script = """
      mount -t cgroup2 none /sys/fs/cgroup || exit
      groups=/sys/fs/cgroup/ebb-tests-$$
      mkdir -p $groups/a $groups/b
      (echo 0 > $groups/b/cgroup.procs; exec \(serve) 7002) & stranger=$!
      echo 0 > $groups/a/cgroup.procs
      setpriv --bounding-set -sys_ptrace --inh-caps -all \
        \(try Binaries.ebb()) --log json --delay 200ms --drain-quiet 200ms -- sh -c '\(tree)' & ebb=$!
      until [ "$(grep -c '^ *[0-9]*: 0100007F:1B5[89A] .* 0A ' /proc/net/tcp)" = 3 ]; do sleep 0.02; done
      kill $ebb
      wait $ebb
      kill $stranger
      wait
      echo 0 > /sys/fs/cgroup/cgroup.procs
      rmdir $groups/a $groups/b $groups
      """
    let setup = LaunchOptions.withTraffic(launch: ["--network-namespace"])
    let run = try Run.program(["/bin/sh", "-c", "exec unshare --mount sh -c \"$0\"", script], setup)
    try run.expect(.code(0))
    // A sample that could not find the owners of the listening sockets has no ports.
    let ports = try run.records().compactMap { $0["ports"] as? [Int] }.first { !$0.isEmpty }
    #expect(ports == [7000, 7001], "\(run)")
  }
}
