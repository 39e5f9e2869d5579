import Glibc
import TestSupport

/// The command line of the experiment.
struct Options {
  /// The short form that the tests run.
  var short = false
  /// Whether Docker swarm does the update.
  var swarm = false
  /// Whether the app ends TLS itself.
  var tls = false
  /// Whether the table is Markdown.
  var markdown = false
  /// The file of the picture, or `nil`.
  var svg: String?
  /// The binary that is tried.
  var ebb = directoryOfThisProgram() + "/ebb"

  /// Parses the command line. Errors: an unknown option, or a missing value.
  init(_ arguments: [String]) throws(Failure) {
    var remaining = arguments[...]
    while let word = remaining.popFirst() {
      switch word {
      case "--short": short = true
      case "--swarm": swarm = true
      case "--tls": tls = true
      case "--markdown": markdown = true
      case "--svg":
        guard let path = remaining.popFirst() else { throw Failure("--svg takes the path of a file") }
        svg = path
      case "--ebb":
        guard let path = remaining.popFirst() else { throw Failure("--ebb takes the path of a binary") }
        ebb = path
      default:
        throw Failure(
          "\"\(word)\" is not an option; there are --short, --swarm, --tls, --markdown, --svg FILE and --ebb FILE")
      }
    }
  }
}

/// The programs of the experiment.
struct Programs: Sendable {
  let ebb: String
  let testApp: String
  let tini = "/usr/bin/tini"
  let nginx = "/usr/sbin/nginx"
  let haproxy = "/usr/sbin/haproxy"
  /// The folder of the certificate, which exists only with `--tls`.
  let folder: String

  /// Checks that all programs exist. Errors: one is missing, or this process does not run as root.
  init(_ options: Options, _ folder: String) throws(Failure) {
    self.folder = folder
    ebb = options.ebb
    testApp = directoryOfThisProgram() + "/TestApp"
    for (path, cure) in [
      (ebb, "build it first: swift build -c release"), (testApp, "build it first: swift build -c release"),
      (tini, "Debian package tini"), (nginx, "Debian package nginx-light"), (haproxy, "Debian package haproxy"),
      (TLS.python, "Debian package python3"), (TLS.openssl, "Debian package openssl"),
    ] where access(path, X_OK) != 0 {
      throw Failure("there is no \(path) (\(cure))")
    }
    if options.tls { try TLS.makeCertificate(folder) }
    // As in a container, the init of each replica is process 1 of a PID namespace.
    guard geteuid() == 0 else { throw Failure("not root: no PID namespace can be made") }
  }
}
