import Glibc
import TestSupport

/// The app that is updated: a server with graceful stop, or one without signal handling.
enum App: String, Sendable {
  case nginx
  case plain = "app without signal handling"
  /// An app without signal handling that ends TLS itself.
  case tls = "TLS app without signal handling"

  /// The STOPSIGNAL of nginx's official image; the default for the others.
  var stopSignal: Int32 {
    switch self {
    case .nginx: SIGQUIT
    case .plain, .tls: SIGTERM
    }
  }

  /// ebb's options for this app.
  var ebbOptions: [String] {
    switch self {
    case .nginx: ["-r", "TERM:QUIT"]
    case .plain, .tls: []
    }
  }

  /// The path of a request that takes `slow` milliseconds.
  func slowPath(_ slow: Int) -> String {
    switch self {
    case .nginx: "/slow"
    case .plain, .tls: "/delay/\(fixed(Double(slow) / 1000, 1))"
    }
  }

  /// Whether it answers. The app with TLS listens once it has its certificate.
  func isReady(_ endpoint: Endpoint) -> Bool {
    guard self == .tls else { return (try? HTTPClient(endpoint).get("/")) == 200 }
    return (try? connect(to: endpoint)).map { close($0) } != nil
  }

  /// The words that start it at this endpoint. `folder` belongs to the replica. Errors: a file cannot be written.
  func words(_ endpoint: Endpoint, _ folder: String, slow: Int, _ programs: Programs) throws(Failure) -> [String] {
    switch self {
    case .plain: return [programs.testApp, "serve", "\(endpoint.port)", "--no-handler"]
    case .tls:
      return [TLS.python, TLS.server, "\(endpoint.port)", TLS.certificate(programs.folder), TLS.key(programs.folder)]
    case .nginx:
      try App.writeFilesOfNginx(to: folder, usedIn: folder, listen: endpoint.text, slow: slow)
      return [programs.nginx, "-e", "stderr", "-c", folder + "/nginx.conf"]
    }
  }

  /// Writes the files that nginx serves and its configuration. nginx finds the folder at `root`. Errors: a file cannot be
  /// written.
  static func writeFilesOfNginx(to folder: String, usedIn root: String, listen: String, slow: Int) throws(Failure) {
    try writeFile(folder + "/index.html", "ok\n")
    try writeFile(folder + "/slow", String(repeating: ".", count: slow * 50))
    try writeFile(folder + "/nginx.conf", nginxConfiguration(listen, root))
  }

  /// The slow request is a download at 50 bytes a millisecond, so nginx begins its answer immediately and ends it later.
  private static func nginxConfiguration(_ listen: String, _ folder: String) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    let paths = kinds.map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " ")
    return """
      user root; daemon off; worker_processes 1; pid \(folder)/pid; error_log stderr warn;
      events { worker_connections 256; }
      http {
        access_log off; \(paths)
        server {
          listen \(listen); root \(folder);
          location /slow { limit_rate 50k; }
        }
      }

      """
  }
}
