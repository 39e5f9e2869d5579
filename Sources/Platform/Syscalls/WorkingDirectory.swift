import CPlatform

/// Leaves for another working directory; chdir(2). Where that fails this process stays where it is.
package func changeDirectory(to path: String) { chdir(path.systemPath) }

/// The path of the working directory, nil where it has none any more; getcwd(3).
package func workingDirectory() -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
    getcwd(buffer.baseAddress, buffer.count).map { String(system: $0) }
  }
}
