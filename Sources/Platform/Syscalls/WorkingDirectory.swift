import CPlatform

/// Changes the working directory; chdir(2). Stays in the old one on an error.
package func changeDirectory(to path: String) { chdir(path.systemPath) }

/// Returns the path of the working directory; `nil` if it no longer exists. getcwd(3).
package func workingDirectory() -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
    getcwd(buffer.baseAddress, buffer.count).map { String(system: $0) }
  }
}
