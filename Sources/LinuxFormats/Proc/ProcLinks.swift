/// Parses the inode of a link in /proc/PID/fd. `nil` if the descriptor is not a socket.
package func parseSocketInode(link: ArraySlice<UInt8>) -> UInt64? {
  guard link.starts(with: "socket:[".utf8), link.last == UInt8(ascii: "]") else { return nil }
  return decimalNumber(link.dropFirst(8).dropLast())
}

/// Parses this process's control group path from /proc/self/cgroup, relative to the visible root. `nil` without version
/// 2. cgroups(7)
package func parseControlGroupPath(_ list: [UInt8]) -> ArraySlice<UInt8>? {
  list.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "0::/".utf8) }?.dropFirst(3)
}
