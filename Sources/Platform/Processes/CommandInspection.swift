import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// The name of a process as /proc/PID/stat has it, from /proc/PID/comm, which costs a fraction of that: execve(2) sets it,
/// and any user may read it. `nil` where /proc does not say. proc_pid_comm(5).
package func processName(of pid: Int32) -> String? {
  guard let line = try? readFile("/proc/\(pid)/comm", upTo: 64) else { return nil }
  return String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

/// Whether signals reach a process; kill(2) with signal 0.
package func signalReach(of pid: Int32) -> SignalReach {
  guard kill(pid, 0) == -1, Errno.current.code == EPERM else { return .signals }
  return .none(user: userID(of: pid))
}

/// The out-of-memory kills so far in this process's memory control group. `nil` where none counts: the root of version 2, no
/// /sys. cgroups(7)
package func outOfMemoryKills() -> Int? {
  guard let list = try? readFile("/proc/self/cgroup", upTo: 4096) else { return nil }
  for path in memoryGroupFiles(list) {
    if let events = try? readFile(path, upTo: 1024), let kills = outOfMemoryKills(events: events) { return kills }
  }
  return nil
}
