import Glibc
import TestSupport

/// One of the inits that are compared.
struct Program {
  /// The heading of its column.
  let name: String
  /// Absolute, so that no search of PATH is timed.
  let path: String
  /// What stands between the program and the command: as a user would write it, and so that each reaps orphans.
  let options: [String]

  /// The words that run `command` under this program.
  func running(_ command: [String]) -> [String] {
    [path] + options + command
  }
}

/// ebb and those of the others that this machine has; a missing one is left out with a printed reason.
func findPrograms(_ options: Options) throws(Failure) -> [Program] {
  var found = [Program(name: "ebb", path: options.ebb, options: ["--"])]
  // tini outside a container warns on every start unless it is a subreaper.
  let others = [
    ("tini", "tini", ["-s", "--"]),
    ("tini-static", "tini", ["-s", "--"]),
    ("dumb-init", "dumb-init", ["--"]),
    ("catatonit", "catatonit", ["--"]),
  ]
  for (name, package, words) in others {
    let path = "/usr/bin/\(name)"
    if access(path, X_OK) == 0 {
      found.append(Program(name: name, path: path, options: words))
    } else {
      complain("left out: \(name): there is no \(path) (Debian package \(package))")
    }
  }
  return found
}
