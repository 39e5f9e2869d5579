import Glibc
import TestSupport

/// A control group with a memory limit, of version 2 or 1, as the machine has.
final class MemoryGroup {
  private let path: String
  private let isUnified: Bool

  /// - Parameter limit: In bytes.
  /// - Throws: A failure if no group can be made: not root, or a container's read-only file system.
  init(limit: Int) throws(Failure) {
    isUnified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
    path = "/sys/fs/cgroup/\(isUnified ? "" : "memory/")ebb-faults-\(getpid())"
    guard mkdir(path, 0o755) == 0 else { throw Failure("cannot create \(path): \(text(errno))") }
    let file = "\(path)/\(isUnified ? "memory.max" : "memory.limit_in_bytes")"
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("cannot open \(file): \(text(errno))") }
    writeAll("\(limit)", to: descriptor)
    close(descriptor)
    guard try Int(readFile(file).filter(\.isNumber)) == limit else { throw Failure("\(file) did not accept the limit") }
  }

  deinit { rmdir(path) }

  /// The arguments that put the command after them into the group.
  var launcher: [String] { ["/bin/sh", "-c", "echo $$ > \(path)/cgroup.procs && exec \"$@\"", "sh"] }

  /// Returns the maximum usage in bytes.
  func peak() throws(Failure) -> Int {
    let file = isUnified ? "memory.peak" : "memory.max_usage_in_bytes"
    return Int(try readFile("\(path)/\(file)").filter(\.isNumber)) ?? 0
  }

  /// Returns the number of out-of-memory kills.
  func kills() throws(Failure) -> Int {
    let file = isUnified ? "memory.events" : "memory.oom_control"
    let line = try readFile("\(path)/\(file)").split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }
}
