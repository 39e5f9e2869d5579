import Glibc
import TestSupport

/// The images of an app, in two versions. An image has the app, all inits, and a shell for the entry script.
struct SwarmImage {
  /// Variables from which the entry script computes its port. Swarm fills in the slot.
  static let variables = ["SLOT={{.Task.Slot}}", "REPLICAS=\(Run.replicas)"]

  /// The name of an image.
  static func name(_ app: App, version: Int) -> String {
    switch app {
    case .nginx: "nginx:\(version)"
    case .plain: "plain:\(version)"
    case .tls: "tls:\(version)"
    }
  }

  /// The version of an image, by its name.
  static func version(_ name: String) -> Int? { name.split(separator: ":").last.flatMap { Int($0) } }

  /// Builds both versions. Errors: a file cannot be written, or docker failed.
  static func build(_ app: App, _ engine: SwarmEngine, _ folder: String, slow: Int, _ programs: Programs)
    throws(Failure)
  {
    let context = folder + "/image-" + name(app, version: 0)
    for name in ["", "/root", "/root/bin", "/root/run", "/root/srv"] { try makeFolder(context + name) }
    let root = context + "/root"
    for (program, path) in [
      (programs.ebb, "/ebb"), (programs.tini + "-static", "/tini"), ("/bin/busybox", "/bin/sh"),
      ("/bin/busybox", "/bin/sed"),
    ] { try copy(program, root + path) }
    var lines = ["FROM scratch", "COPY root /", "ENV PATH=/bin", "ENTRYPOINT [\"/entry\"]"]
    var script = ["#!/bin/sh", "port=$((FIRST + REPLICAS * (VERSION - 1) + SLOT))"]
    switch app {
    case .tls: throw Failure("no image is made of the app with TLS")
    case .plain:
      try copy(programs.testApp, root + "/app")
      script += ["exec /app serve $port --no-handler"]
    case .nginx:
      try copy(programs.nginx, root + "/bin/nginx")
      try copyLibraries(of: programs.nginx, root)
      try App.writeFilesOfNginx(to: root + "/srv", usedIn: "/srv", listen: "127.0.0.1:PORT", slow: slow)
      for name in ["/etc", "/var", "/var/lib", "/var/lib/nginx", "/var/log", "/var/log/nginx"] {
        try makeFolder(root + name)
      }
      try writeFile(root + "/etc/passwd", "root:x:0:0::/:/\n")
      try writeFile(root + "/etc/group", "root:x:0:\n")
      script += ["sed s/PORT/$port/ /srv/nginx.conf > /run/nginx.conf", "exec nginx -e stderr -c /run/nginx.conf"]
      lines += ["STOPSIGNAL SIGQUIT"]
    }
    try writeFile(root + "/entry", script.joined(separator: "\n") + "\n")
    guard chmod(root + "/entry", 0o755) == 0 else { throw Failure("cannot change \(root)/entry: \(text(errno))") }
    for version in 1...2 {
      try writeFile(context + "/Dockerfile", (lines + ["ENV VERSION=\(version)"]).joined(separator: "\n") + "\n")
      try engine.docker("build", "--quiet", "--network", "none", "--tag", name(app, version: version), context)
    }
  }

  private static func copy(_ source: String, _ target: String) throws(Failure) {
    _ = try output(of: ["/bin/cp", "--dereference", source, target])
  }

  /// Copies the libraries of a program to the same paths below `root`.
  private static func copyLibraries(of program: String, _ root: String) throws(Failure) {
    let words = try output(of: ["/usr/bin/ldd", program]).split(whereSeparator: \.isWhitespace)
    let libraries = words.filter { $0.first == "/" }.map { String($0) }
    _ = try output(of: ["/bin/cp", "--dereference", "--parents"] + libraries + [root])
  }
}
