/// Returns the paths at which to try a command: its name if that contains a slash, else its name in each folder of
/// PATH; execvp(3). An empty folder in PATH is the working directory. Without PATH, Docker's default folders are used.
package func executableCandidates(for name: String, path: String?) -> [String] {
  if name.utf8.isEmpty { return [] }
  if isPath(name) { return [name] }
  let folders = path ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  return folders.split(onByte: UInt8(ascii: ":")).map { $0.utf8.isEmpty ? name : $0 + "/" + name }
}

/// Whether the name contains a slash, so that PATH is not searched.
package func isPath(_ name: String) -> Bool { name.utf8.contains(UInt8(ascii: "/")) }
