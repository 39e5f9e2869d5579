import Foundation
import TestSupport
import Testing

/// A finished `ebb smoke --output json`.
struct SmokeResult: CustomStringConvertible {
  let exit: Exit
  let run: Run
  private let object: [String: Any]
  private let results: [String: (result: String, detail: String)]

  /// Options that make each part of a stop last a fraction of a second.
  static let short = ["--duration", "500ms", "--delay", "500ms", "--drain-quiet", "200ms", "-t", "20s"]

  /// Runs `ebb smoke --output json OPTION... -- COMMAND...` to its end.
  init(
    _ options: [String], _ command: [String], in place: PIDRole = .subreaper, _ setup: LaunchOptions = .withTraffic
  ) throws {
    try self.init(try Run.ebb(["smoke", "--output", "json"] + SmokeResult.short + options, command, in: place, setup))
  }

  /// Parses the report on a run's standard output.
  init(_ run: Run) throws {
    self.run = run
    exit = try run.exit()
    // No process has the streams any more, so none is left.
    try run.readToEnd()
    guard let object = try? run.out.text.jsonObject(), let checks = object["checks"] as? [[String: String]]
    else { throw Failure("no report\n\(run)") }
    self.object = object
    results = Dictionary(
      uniqueKeysWithValues: checks.map { ($0["name"] ?? "", ($0["result"] ?? "", $0["detail"] ?? "")) })
  }

  /// The checks that failed.
  var failed: Set<String> { Set(results.filter { $0.value.result == "fail" }.keys) }
  /// The checks that were skipped.
  var skipped: Set<String> { Set(results.filter { $0.value.result == "skip" }.keys) }

  /// The detail of a check.
  func detail(_ name: String) throws -> String { try #require(results[name]?.detail, "\(self)") }

  /// A number of the report, for example `requests` and `total`.
  func number(_ group: String, _ name: String) throws -> Int {
    try #require((object[group] as? [String: Any])?[name] as? Int, "\(self)")
  }

  var description: String { "\(run)" }
}

/// A small keep-alive HTTP server in Python with optional faults: `bad` (status 500), `closes` (closes each connection
/// after its response), `drops` (closes it at every second request), `graceful` (exits with 0 at SIGTERM and prints the
/// number of connections and requests). /slow takes 10 s.
struct PythonServer {
  let port: Int
  let command: [String]
  var url: String { "http://127.0.0.1:\(port)/" }

  init(_ faults: String...) throws {
    let path = try TestResources.folder() + "/app.py"
    try Self.source.write(toFile: path, atomically: false, encoding: .utf8)
    port = try Client.freePort()
    command = [installed("python3"), path, "\(port)"] + faults
  }

  private static let source = """
    import http.server, signal, socket, socketserver, sys, threading, time
    faults = sys.argv[2:]
    counts = [0, 0]
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            counts[1] += 1
            self.asked = getattr(self, "asked", 0) + 1
            if "drops" in faults and self.asked % 2 == 0:
                self.close_connection = True
                return
            if self.path == "/slow": time.sleep(10)
            # Its end comes with the last byte, before the client can ask again.
            if "closes" in faults: self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self.send_response(500 if "bad" in faults else 200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\\n")
            if "closes" in faults:
                self.connection.shutdown(socket.SHUT_WR)
                self.close_connection = True
        def log_message(self, *arguments): pass
    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        request_queue_size = 128
        def get_request(self):
            counts[0] += 1
            return super().get_request()
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    if "graceful" in faults:
        signal.signal(signal.SIGTERM, lambda *arguments: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    print("served connections=%d requests=%d" % tuple(counts), flush=True)
    """
}
