import Primitives

/// Returns the files in which a process's memory control group may count out-of-memory kills, from the bytes of its
/// /proc/PID/cgroup. Its lines are `ID:CONTROLLERS:PATH`; version 2 has `0::PATH`. The mount point itself comes last:
/// in a container it often is the group, while the path is the machine's. cgroups(7),
/// Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst
package func parseMemoryGroupFiles(_ list: [UInt8]) -> [String] {
  var files: [String] = []
  for line in list.split(separator: UInt8(ascii: "\n")) {
    let remaining = line.drop { $0 != UInt8(ascii: ":") }
    let isUnified = remaining.starts(with: "::".utf8)
    guard isUnified || remaining.starts(with: ":memory:".utf8) else { continue }
    let path = String(decoding: remaining.dropFirst(isUnified ? 2 : 8), as: UTF8.self)
    let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
    let name = isUnified ? "/memory.events" : "/memory.oom_control"
    files += [root + path + name, root + name]
  }
  return files
}

/// Parses the line `oom_kill N` of memory.events (version 2) or memory.oom_control (version 1, since Linux 4.13).
package func parseOutOfMemoryKills(events: [UInt8]) -> Int? {
  let key = Array("oom_kill ".utf8)
  let line = events.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: key) }
  return line.flatMap { parseDecimal($0.dropFirst(key.count), max: .max) }
}
