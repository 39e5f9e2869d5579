import CPlatform
import LinuxFormats
import Primitives

/// Returns the id of this process's control group; `nil` if it does not identify the container. With groups of version
/// 1 all sockets have the id of the root, 1. cgroups(7)
func readOwnControlGroup() -> UInt64? {
  guard let list = try? readFile("/proc/self/cgroup", upTo: 4096), let path = parseControlGroupPath(list) else {
    return nil
  }
  for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
    let folder = root + String(decoding: path, as: UTF8.self)
    // Only version 2 has this file.
    guard ebb_stat_inode(folder + "/cgroup.controllers") != 0 else { continue }
    let id = ebb_stat_inode(folder)
    return id > 1 ? id : nil
  }
  return nil
}
