import Glibc
import TestSupport

/// The command line of the experiment.
struct Options {
  /// The version of the tests: half a minute.
  var short = false
  /// On a real orchestrator.
  var swarm = false
  /// Of an app with TLS.
  var tls = false
  var markdown = false
  /// Where the picture goes; nil: none is drawn.
  var svg: String?
  var ebb = directoryOfThisProgram() + "/ebb"

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

/// The real parts.
struct Programs: Sendable {
  let ebb: String
  let testApp: String
  let tini = "/usr/bin/tini"
  let nginx = "/usr/sbin/nginx"
  let haproxy = "/usr/sbin/haproxy"
  /// Where the certificate is, if there is one.
  let folder: String

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
    // As in a container, every replica's init is process 1 of a namespace.
    guard geteuid() == 0 else { throw Failure("not root: no PID namespace can be made") }
  }
}
