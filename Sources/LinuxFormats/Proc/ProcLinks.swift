/// The inode that a link in /proc/PID/fd names; nil where it is no socket's.
package func socketInode(link: ArraySlice<UInt8>) -> UInt64? {
  guard link.starts(with: "socket:[".utf8), link.last == UInt8(ascii: "]") else { return nil }
  return decimalNumber(link.dropFirst(8).dropLast())
}

/// The path of this process's control group, from /proc/self/cgroup, below the root that this process sees; nil where
/// there is no version 2. cgroups(7)
package func controlGroupPath(_ list: [UInt8]) -> ArraySlice<UInt8>? {
  list.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "0::/".utf8) }?.dropFirst(3)
}
