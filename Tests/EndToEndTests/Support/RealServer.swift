import Foundation
import TestSupport
import Testing

/// A well-known server from Debian, started as its official image does. It has a fast page, and a slow one that is
/// answered after `release`.
struct RealServer {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case nginx, phpFPM = "php-fpm", apache2, haproxy, postgres, lighttpd, uwsgi
    var testDescription: String { rawValue }

    /// The STOPSIGNAL of the official image; of lighttpd, its signal for a graceful stop.
    var stopSignal: Signal {
      switch self {
      case .nginx, .phpFPM: .sigquit
      case .apache2: .sigwinch
      case .haproxy: .sigusr1
      case .postgres, .lighttpd, .uwsgi: .sigint
      }
    }

    /// The server's name in ebb's log.
    var name: String { self == .apache2 ? "httpd" : rawValue }

    var program: String {
      switch self {
      case .phpFPM: "php-fpm8.2"
      case .postgres: "psql"
      case .uwsgi: "uwsgi-core"
      default: rawValue
      }
    }
  }

  let kind: Kind
  let port: Int
  /// Runs the server in the foreground.
  let command: [String]
  private let folder: String

  init(_ kind: Kind, configured extra: String = "") throws {
    self.kind = kind
    (folder, port) = (try TestResources.folder(), try Client.freePort())
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
    command = try RealServer.prepare(kind, folder, port, extra)
  }

  /// Lets the server answer slow requests. A slow query of postgres takes half a minute instead.
  func release() throws { try "".write(toFile: folder + "/release", atomically: true, encoding: .utf8) }

  // MARK: Clients

  /// Returns the arguments of a client that requests the fast or the slow page. It exits with 0 if the response is
  /// good.
  func client(slow: Bool) -> [String] {
    switch kind {
    case .phpFPM:
      let script = "\(folder)/\(slow ? "slow" : "fast").php"
      return [
        "/bin/sh", "-c",
        "SCRIPT_FILENAME=\(script) REQUEST_METHOD=GET cgi-fcgi -bind -connect 127.0.0.1:\(port) | grep -q finished",
      ]
    case .postgres:
      // The pause separates the query from the response before it: in the same kernel clock tick it looks answered.
      let script =
        slow
        ? "exec psql \"$@\" -c 'select 1' -c '\\! sleep 0.2' -c 'select pg_sleep(30)'"
        : "exec psql \"$@\" -c 'select 1'"
      return ["/bin/sh", "-c", script, "psql", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres", "-Atq"]
    default:
      let url = "http://127.0.0.1:\(port)/\(slow ? "slow" : "fast")"
      return [installed("curl"), "-q", "-s", "-f", "-o", "/dev/null", "--max-time", "60", url]
    }
  }

  /// Waits until the server answers.
  func awaitAnswer(_ run: Run) throws {
    try run.wait(for: "an answer of \(kind)") { try Run.program(client(slow: false)).exit() == .code(0) }
  }

  /// Sends requests until the condition is true. Returns the end of each request, and whether its response was good.
  func ask(until isOver: () throws -> Bool) throws -> [(end: Duration, isGood: Bool)] {
    var requests: [(Duration, Bool)] = []
    while try !isOver() {
      let exit = try Run.program(client(slow: false)).exit()
      requests.append((Clock.now(), exit == .code(0)))
    }
    return requests
  }

  // MARK: Configurations

  /// Starts the application behind a proxy and returns its port.
  private static func startBackend(_ folder: String) throws -> Int {
    let port = try Client.freePort()
    try """
    import http.server, os, time
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            while self.path == "/slow" and not os.path.exists("\(folder)/release"): time.sleep(0.02)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        def log_message(self, *arguments): pass
    http.server.ThreadingHTTPServer(("127.0.0.1", \(port)), Handler).serve_forever()
    """.write(toFile: folder + "/backend.py", atomically: true, encoding: .utf8)
    let python = installed("python3")
    _ = try Run.program([python, folder + "/backend.py"])
    return port
  }

  private static func prepare(_ kind: Kind, _ folder: String, _ port: Int, _ extra: String) throws -> [String] {
    func write(_ name: String, _ text: String) throws {
      try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }
    func program(_ name: String) -> String { installedPath(of: name) ?? name }
    let backend = [.nginx, .apache2, .haproxy, .lighttpd].contains(kind) ? try startBackend(folder) : 0
    switch kind {
    case .nginx:
      let server = "server { listen 127.0.0.1:\(port); location / { proxy_pass http://127.0.0.1:\(backend); } }"
      return try makeNginx(folder, http: server, daemon: extra == "daemon on;", workers: 2)
    case .phpFPM:
      try write(
        "slow.php",
        "<?php while (!file_exists('\(folder)/release')) { usleep(20000); clearstatcache(); } echo 'finished';")
      try write("fast.php", "<?php echo 'finished';")
      try write(
        "fpm.conf",
        """
        [global]
        error_log = \(folder)/log
        \(extra)
        [www]
        listen = 127.0.0.1:\(port)
        user = www-data
        group = www-data
        pm = static
        pm.max_children = 4

        """)
      return [program("php-fpm8.2"), "--nodaemonize", "-y", folder + "/fpm.conf"]
    case .apache2:
      let modules = ["mpm_event", "authz_core", "proxy", "proxy_http"]
        .map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
      try write(
        "httpd.conf",
        """
        ServerRoot \(folder)
        ServerName localhost
        PidFile \(folder)/pid
        DefaultRuntimeDir \(folder)
        Listen 127.0.0.1:\(port)
        \(modules.joined(separator: "\n"))
        ErrorLog \(folder)/log
        User www-data
        Group www-data
        ProxyPass / http://127.0.0.1:\(backend)/

        """)
      return [program("apache2"), "-D", "FOREGROUND", "-f", folder + "/httpd.conf"]
    case .haproxy:
      let rules = "default_backend app\nbackend app\n  server one 127.0.0.1:\(backend)"
      return try makeHaproxy(folder, port, rules: rules, options: ["-W"])
    case .postgres:
      let programs = "/usr/lib/postgresql/15/bin"
      let data = folder + "/data"
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
      let make =
        "chown postgres \(data) && exec gosu postgres \(programs)/initdb -D \(data) -A trust --no-sync > /dev/null"
      guard succeeds(["/bin/sh", "-c", make]) else { throw Failure("initdb failed") }
      return [
        program("gosu"), "postgres", programs + "/postgres", "-D", data, "-p", "\(port)", "-k", folder,
        "-c", "listen_addresses=127.0.0.1", "-c", "logging_collector=off", "-c", "log_min_messages=panic", "-c",
        "fsync=off",
      ]
    case .lighttpd:
      try write(
        "lighttpd.conf",
        """
        server.document-root = "\(folder)"
        server.port = \(port)
        server.bind = "127.0.0.1"
        server.errorlog = "\(folder)/log"
        server.modules = ("mod_proxy")
        proxy.server = ("" => (("host" => "127.0.0.1", "port" => \(backend))))

        """)
      return [program("lighttpd"), "-D", "-f", folder + "/lighttpd.conf"]
    case .uwsgi:
      try write(
        "app.py",
        """
        import os, time
        def application(environment, start):
            while environment["PATH_INFO"] == "/slow" and not os.path.exists("\(folder)/release"): time.sleep(0.02)
            start("200 OK", [])
            return [b"finished"]

        """)
      return [
        program("uwsgi-core"), "--plugin", "python3", "--http-socket", "127.0.0.1:\(port)", "--master", "--processes",
        "2",
        "--wsgi-file", folder + "/app.py", "--logto", folder + "/log",
      ]
    }
  }
}
