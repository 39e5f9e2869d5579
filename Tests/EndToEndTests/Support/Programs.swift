import Foundation
import TestSupport

/// The full path of an installed program, or `nil`.
func installedPath(of name: String) -> String? {
  ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/"].map { $0 + name }
    .first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// Returns whether a command runs and exits with 0. Its output is discarded.
func succeeds(_ command: [String]) -> Bool {
  let launch = Launch(
    bytes: command.map { Array($0.utf8) }, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
  guard let pid = try? launch.start() else { return false }
  return Exit(waitingFor: pid) == .code(0)
}

/// The full path of an installed program, or its name if it is not installed.
func installed(_ name: String) -> String { installedPath(of: name) ?? name }
