import Glibc
import TestSupport

/// One of the compared inits.
struct Program {
  /// The heading of its column.
  let name: String
  /// Absolute, so that searching PATH is not timed.
  let path: String
  /// The options before the command, as a user would write them, and such that each init reaps orphans.
  let options: [String]

  /// Returns the arguments that run `command` under this program.
  func running(_ command: [String]) -> [String] {
    [path] + options + command
  }
}

/// Returns ebb and the other inits on this machine; prints a reason for each missing one.
func findPrograms(_ options: Options) throws(Failure) -> [Program] {
  var found = [Program(name: "ebb", path: options.ebb, options: ["--"])]
  // tini outside a container warns at every start unless it is a subreaper.
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
