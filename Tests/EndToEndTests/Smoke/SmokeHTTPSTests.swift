import Foundation
import Testing

/// The pipeline of the article on smoke tests for an app with TLS, which `ebb smoke` cannot request itself.
@Suite(.endsItsProcesses, .needs(.program("curl")), .needs(.program("openssl")))
struct SmokeHTTPSTests {
  /// Answers /report after `seconds`, and finishes its requests at SIGTERM if `isGraceful`.
  private static func app(seconds: Int, isGraceful: Bool) -> String {
    """
    import signal, ssl, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(\(seconds) if self.path == "/report" else 0)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"done")

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain("certificate.pem", "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    if \(isGraceful ? "True" : "False"):
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()

    """
  }

  /// Runs the script of the article in a shell, as a CI job does, with this app and a free port.
  private func pipeline(_ app: String) throws -> (run: Run, report: String) {
    let article = try #require(Document.all.first { $0.path.hasSuffix("/SmokeTesting.md") }).text
    let block = try #require(article.components(separatedBy: "```").first { $0.contains("https://localhost:8443") })
    let lines = block.components(separatedBy: "\n").filter { $0.hasPrefix("    - ") }.map { $0.dropFirst(6) }
    #expect(lines.count == 3, "\(block)")

    let folder = try TestResources.folder()
    try app.write(toFile: folder + "/app.py", atomically: true, encoding: .utf8)
    let port = try Client.freePort()
    // On a busy machine the app may need longer than three seconds to start.
    let listens = "sleep 3; until (exec 3<> /dev/tcp/localhost/8443) 2> /dev/null; do sleep 0.1; done;"
    let script = lines.joined(separator: "\n").replacing("sleep 3;", with: listens)
      .replacing("8443", with: "\(port)").replacing("-- /app", with: "-- /usr/bin/python3 app.py \(port)")
    let setup = """
      set -e
      cd \(folder)
      PATH=\(URL(fileURLWithPath: try Binaries.ebb()).deletingLastPathComponent().path):$PATH
      openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 -subj /CN=localhost 2> /dev/null

      """
    let run = try Run.program(["/bin/bash", "-c", setup + script], .withTraffic)
    _ = try run.exit(limit: .seconds(120))
    try run.readToEnd()
    return (run, (try? String(contentsOfFile: folder + "/shutdown.xml", encoding: .utf8)) ?? "")
  }

  @Test func `the pipeline with curl passes for an app that finishes its requests`() throws {
    let (run, report) = try pipeline(Self.app(seconds: 5, isGraceful: true))
    #expect(try run.exit() == .code(0), "\(run)")
    #expect(run.out.text == "done" && report.contains(#"failures="0""#), "\(run) \(report)")
  }

  @Test func `the pipeline with curl fails for an app that dies in the middle of a request`() throws {
    let (run, _) = try pipeline(Self.app(seconds: 40, isGraceful: false))
    #expect(try run.exit() != .code(0) && run.out.text.isEmpty, "\(run)")
  }
}
