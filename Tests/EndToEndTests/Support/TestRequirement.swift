import Foundation
import TestSupport
import Testing

/// A requirement that not every machine meets. A test that needs it is skipped there with a printed reason.
struct TestRequirement: Sendable {
  let isPresent: Bool
  let absence: Comment

  init(_ absence: Comment, _ check: () -> Bool) {
    isPresent = check()
    self.absence = absence
  }

  static let root = TestRequirement("not root") { geteuid() == 0 }

  static let pidNamespace = TestRequirement("no PID namespace can be made here (not root, or inside a plain container)")
  {
    succeeds(testApp("launch", "--pid-namespace", "--", Binaries.testApp, "exit", "0"))
  }

  static let controlGroups = TestRequirement("no control groups of version 2 can be made here (not root, or read-only)")
  {
    let script = "mount -t cgroup2 none /mnt && mkdir /mnt/ebb-tests && rmdir /mnt/ebb-tests"
    return succeeds(["/bin/sh", "-c", "exec unshare --mount sh -c '\(script)'"])
  }

  static let fanotify = TestRequirement("no fanotify that can hold up an open here (not root, or another kernel)") {
    let file = NSTemporaryDirectory() + "ebb-fanotify-\(getpid())"
    guard FileManager.default.createFile(atPath: file, contents: nil) else { return false }
    defer { unlink(file) }
    return succeeds(["/bin/sh", "-c", "timeout 1 \(Binaries.testApp) hold \(file); test $? = 124"])
  }

  static let runc = TestRequirement("no working runc here (not installed, not root, or inside a plain container)") {
    Container.works
  }

  static let ipv6 = TestRequirement("no IPv6 here: ::1 is no address of this machine") {
    hasIPv6
  }

  /// Checks not only that strace is installed, but that it can attach to a process that is not its child and inject
  /// errors.
  static let strace = TestRequirement("no working strace here (not installed, or it may not attach)") {
    guard let strace = installedPath(of: "strace") else { return false }
    let script = """
      sleep 1000 & victim=$!
      $0 -f -p $victim -e inject=sched_yield:error=EIO -o /dev/null & tracer=$!
      while kill -0 $tracer && grep -q '^TracerPid:.0$' /proc/$victim/status; do sleep 0.02; done
      kill $victim
      wait $tracer
      """
    return succeeds(testApp("launch", "--", "/bin/sh", "-c", script, strace))
  }

  static let kubernetesSchema = TestRequirement("no kubernetes-validate of PyPI for /usr/bin/python3") {
    succeeds(["/usr/bin/python3", "-c", "import kubernetes_validate, yaml"])
  }

  /// A program of this name is installed.
  static func program(_ name: String) -> TestRequirement {
    TestRequirement("\(name) is not installed") { installedPath(of: name) != nil }
  }

  /// A script for a new mount namespace that mounts the control groups with a limit of processes, of version 2 or 1, at
  /// /mnt.
  static let mountPids = """
    mount -t cgroup2 none /mnt
    echo +pids 2>/dev/null > /mnt/cgroup.subtree_control || { umount /mnt; mount -t cgroup -o pids none /mnt || exit 90; }
    """

  static let pidsGroups = TestRequirement(
    "no control groups that limit processes can be made here (not root, or read-only)"
  ) {
    let script = "\(mountPids); mkdir /mnt/ebb-tests-pids && rmdir /mnt/ebb-tests-pids"
    return succeeds(["/bin/sh", "-c", "exec unshare --mount sh -c \"$0\"", script])
  }

  /// Removes a control group once its processes have ended.
  static func removePidsGroup(_ name: String) {
    let script = "\(mountPids); until rmdir /mnt/\(name); do sleep 0.1; done"
    _ = succeeds(["/bin/sh", "-c", "exec timeout 20 unshare --mount sh -c \"$0\"", script])
  }

  /// With this variable a test fails where it would be skipped: CI sets it.
  static let mayNotSkip = ProcessInfo.processInfo.environment["EBB_TESTS_NO_SKIP"] == "1"
}

extension Trait where Self == ConditionTrait {
  /// Runs the test only if the machine meets the requirement.
  static func needs(_ machine: TestRequirement) -> Self {
    .enabled(machine.absence) {
      if machine.isPresent { return true }
      if TestRequirement.mayNotSkip { throw Failure("may not skip: \(machine.absence)") }
      print("skipped: \(machine.absence)")
      return false
    }
  }
}
