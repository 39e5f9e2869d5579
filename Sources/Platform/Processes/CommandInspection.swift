import CPlatform
import LinuxFormats
import Primitives
import Supervision

/// Returns the name of a process from /proc/PID/comm, which is cheaper to read than /proc/PID/stat. execve(2) sets it,
/// and any user may read it. `nil` if it cannot be read. proc_pid_comm(5).
package func readProcessName(of pid: Int32) -> String? {
  guard let line = try? readFile("/proc/\(pid)/comm", upTo: 64) else { return nil }
  return String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

/// Returns whether this process may signal another one; kill(2) with signal 0.
package func signalReach(of pid: Int32) -> SignalReach {
  guard kill(pid, 0) == -1, Errno.current.code == EPERM else { return .signals }
  return .none(user: readUserID(of: pid))
}

/// Returns the number of out-of-memory kills in this process's memory control group; `nil` if there is no counter (root
/// group of version 2, no /sys). cgroups(7)
package func readOutOfMemoryKills() -> Int? {
  guard let list = try? readFile("/proc/self/cgroup", upTo: 4096) else { return nil }
  for path in parseMemoryGroupFiles(list) {
    if let events = try? readFile(path, upTo: 1024), let kills = parseOutOfMemoryKills(events: events) { return kills }
  }
  return nil
}
