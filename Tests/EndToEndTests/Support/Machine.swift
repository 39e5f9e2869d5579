import Foundation
import TestSupport
import Testing

/// A requirement that not every machine meets. A test that needs it is skipped there with a printed reason.
struct Machine: Sendable {
  let isPresent: Bool
  let absence: Comment

  init(_ absence: Comment, _ check: () -> Bool) {
    isPresent = check()
    self.absence = absence
  }

  static let root = Machine("not root") { geteuid() == 0 }

  static let pidNamespace = Machine("no PID namespace can be made here (not root, or inside a plain container)") {
    succeeds(testApp("launch", "--pid-namespace", "--", Binaries.testApp, "exit", "0"))
  }

  static let controlGroups = Machine("no control groups of version 2 can be made here (not root, or read-only)") {
    let script = "mount -t cgroup2 none /mnt && mkdir /mnt/ebb-tests && rmdir /mnt/ebb-tests"
    return succeeds(["/bin/sh", "-c", "exec unshare --mount sh -c '\(script)'"])
  }

  static let fanotify = Machine("no fanotify that can hold up an open here (not root, or another kernel)") {
    let file = NSTemporaryDirectory() + "ebb-fanotify-\(getpid())"
    guard FileManager.default.createFile(atPath: file, contents: nil) else { return false }
    defer { unlink(file) }
    return succeeds(["/bin/sh", "-c", "timeout 1 \(Binaries.testApp) hold \(file); test $? = 124"])
  }

  static let runc = Machine("no working runc here (not installed, not root, or inside a plain container)") {
    Container.works
  }

  static let ipv6 = Machine("no IPv6 here: ::1 is no address of this machine") {
    hasIPv6
  }

  /// Checks not only that strace is installed, but that it can attach to a process that is not its child and inject
  /// errors.
  static let strace = Machine("no working strace here (not installed, or it may not attach)") {
    guard let strace = path(of: "strace") else { return false }
    let script = """
      sleep 1000 & victim=$!
      $0 -f -p $victim -e inject=sched_yield:error=EIO -o /dev/null & tracer=$!
      while kill -0 $tracer && grep -q '^TracerPid:.0$' /proc/$victim/status; do sleep 0.02; done
      kill $victim
      wait $tracer
      """
    return succeeds(testApp("launch", "--", "/bin/sh", "-c", script, strace))
  }

  static let kubernetesSchema = Machine("no kubernetes-validate of PyPI for /usr/bin/python3") {
    succeeds(["/usr/bin/python3", "-c", "import kubernetes_validate, yaml"])
  }

  /// A program of this name is installed.
  static func program(_ name: String) -> Machine {
    Machine("\(name) is not installed") { path(of: name) != nil }
  }

  /// A script for a new mount namespace that mounts the control groups with a limit of processes, of version 2 or 1, at
  /// /mnt.
  static let mountPids = """
    mount -t cgroup2 none /mnt
    echo +pids 2>/dev/null > /mnt/cgroup.subtree_control || { umount /mnt; mount -t cgroup -o pids none /mnt || exit 90; }
    """

  static let pidsGroups = Machine("no control groups that limit processes can be made here (not root, or read-only)") {
    let script = "\(mountPids); mkdir /mnt/ebb-tests-pids && rmdir /mnt/ebb-tests-pids"
    return succeeds(["/bin/sh", "-c", "exec unshare --mount sh -c \"$0\"", script])
  }

  /// Removes a control group once its processes have ended.
  static func removePidsGroup(_ name: String) {
    let script = "\(mountPids); until rmdir /mnt/\(name); do sleep 0.1; done"
    _ = succeeds(["/bin/sh", "-c", "exec timeout 20 unshare --mount sh -c \"$0\"", script])
  }

  /// The full path of an installed program, or `nil`.
  static func path(of name: String) -> String? {
    ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/"].map { $0 + name }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Returns whether a command runs and exits with 0. Its output is discarded.
  static func succeeds(_ command: [String]) -> Bool {
    let launch = Launch(
      bytes: command.map { Array($0.utf8) }, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
    guard let pid = try? launch.start() else { return false }
    return Exit(waitingFor: pid) == .code(0)
  }

  /// With this variable a test fails where it would be skipped: CI sets it.
  static let mayNotSkip = ProcessInfo.processInfo.environment["EBB_TESTS_NO_SKIP"] == "1"
}

extension Trait where Self == ConditionTrait {
  /// Runs the test only if the machine meets the requirement.
  static func needs(_ machine: Machine) -> Self {
    .enabled(machine.absence) {
      if machine.isPresent { return true }
      if Machine.mayNotSkip { throw Failure("may not skip: \(machine.absence)") }
      print("skipped: \(machine.absence)")
      return false
    }
  }
}

/// The full path of an installed program, or its name if it is not installed.
func installed(_ name: String) -> String { Machine.path(of: name) ?? name }
