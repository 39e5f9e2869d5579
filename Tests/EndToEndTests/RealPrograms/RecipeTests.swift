import Foundation
import TestSupport
import Testing

/// The Dockerfiles of `ebb.docc/Recipes`, run unchanged with the software of Debian and replacements for files that only
/// the official images have.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.root), .needs(.program("busybox")))
struct RecipeTests {
  /// The files of a recipe's container, and the expected course of its stop.
  struct Trial: CustomTestStringConvertible {
    let name: String
    /// Content by path.
    var files: [String: String] = [:]
    /// Builds the app from its source instead of the recipe's build.
    var build = "true"
    /// Succeeds once the app is ready.
    var ready = "curl -sf http://127.0.0.1:8000/fast"
    /// A request that lasts until `release`. It succeeds if it gets its whole response.
    var request = "curl -sf http://127.0.0.1:8000/slow"
    var release = "touch /release"
    /// Whether the app finishes the request after the stop signal. Otherwise the drain waits for it.
    var appFinishes = false
    var exit = Exit.code(0)
    /// The text that the app prints during the stop.
    var prints: String?
    var testDescription: String { name }
  }

  private static let execScript = "#!/bin/sh\nexec \"$@\"\n"

  /// An HTTP server that answers `/slow` once `/release` exists, and has no signal handler.
  private static let plainServer = """
    import http.server, os, time
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            while self.path == "/slow" and not os.path.exists("/release"): time.sleep(0.02)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
    http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
    """

  /// Answers `/slow` once `/release` exists, and echoes what a WebSocket sends.
  static let asgiApp = """
    import asyncio, os
    async def app(scope, receive, send):
        if scope["type"] == "lifespan": return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect": return
                await send({"type": "websocket.send", "text": message["text"]})
        while scope["path"] == "/slow" and not os.path.exists("/release"): await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
    """

  private static let javaServer = """
    import com.sun.net.httpserver.HttpServer;
    import java.io.File;
    import java.net.InetSocketAddress;
    import java.util.concurrent.Executors;
    public class App {
      public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8000), 16);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
          while (exchange.getRequestURI().getPath().equals("/slow") && !new File("/release").exists()) {
            try { Thread.sleep(20); } catch (InterruptedException error) { return; }
          }
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
        server.start();
      }
    }
    """

  private static let goServer = """
    package main
    import ("net/http"; "os"; "time")
    func main() {
      http.ListenAndServe(":8000", http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
        for request.URL.Path == "/slow" {
          if _, err := os.Stat("/release"); err == nil { break }
          time.Sleep(20 * time.Millisecond)
        }
      }))
    }
    """

  static let trials: [Trial] = [
    Trial(
      name: "nginx",
      files: [
        "/docker-entrypoint.sh": execScript,
        "/etc/nginx/nginx.conf": """
        worker_processes 1; error_log stderr crit; pid /run/nginx.pid;
        events { worker_connections 64; }
        http {
          access_log off;
          server { listen 8000; location / { proxy_pass http://127.0.0.1:9000; } }
        }

        """,
      ], appFinishes: true),
    Trial(
      name: "httpd",
      files: [
        "/usr/local/bin/httpd-foreground": "#!/bin/sh\nexec apache2 -D FOREGROUND -f /httpd.conf\n",
        "/httpd.conf": """
        ServerRoot /etc/apache2
        ServerName localhost
        PidFile /run/httpd.pid
        DefaultRuntimeDir /run
        Listen 8000
        LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
        LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
        LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
        LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
        ErrorLog /dev/stderr
        User www-data
        Group www-data
        ProxyPass / http://127.0.0.1:9000/

        """,
      ], appFinishes: true),
    Trial(
      name: "haproxy",
      files: [
        "/usr/local/bin/docker-entrypoint.sh": "#!/bin/sh\nshift\nexec haproxy -W -db \"$@\"\n",
        "/usr/local/etc/haproxy/haproxy.cfg": haproxyConfiguration(
          8000, rules: "default_backend app\nbackend app\n  server one 127.0.0.1:9000"),
      ], appFinishes: true),
    Trial(
      name: "php-fpm",
      files: [
        "/usr/local/bin/docker-php-entrypoint": execScript,
        "/usr/local/bin/php-fpm": "#!/bin/sh\nexec php-fpm8.2 --nodaemonize -y /fpm.conf\n",
        "/fpm.conf": """
        include=/usr/local/etc/php-fpm.d/*.conf
        [global]
        error_log = /dev/null
        [www]
        listen = 127.0.0.1:9000
        user = www-data
        group = www-data
        pm = static
        pm.max_children = 4

        """,
        "/fast.php": "<?php echo 'finished';",
        "/slow.php":
          "<?php while (!file_exists('/release')) { usleep(20000); clearstatcache(); } echo 'finished';",
      ],
      ready: fastCGI("fast"), request: fastCGI("slow"), appFinishes: true),
    Trial(
      name: "gunicorn",
      files: [
        "/srv/app.py": """
        import os, time
        def app(environment, start):
            while environment["PATH_INFO"] == "/slow" and not os.path.exists("/release"): time.sleep(0.02)
            start("200 OK", [("Content-Length", "2")])
            return [b"ok"]
        """
      ], appFinishes: true),
    Trial(name: "uvicorn", files: ["/srv/app.py": asgiApp], appFinishes: true),
    Trial(
      name: "websocket",
      files: [
        "/srv/app.py": asgiApp,
        "/client.py": """
        import asyncio, os, websockets
        async def main():
            session = await websockets.connect("ws://127.0.0.1:8000/")
            await session.send("before")
            assert await session.recv() == "before"
            open("/in-flight", "w").close()
            while not os.path.exists("/release"): await asyncio.sleep(0.02)
            await session.send("after")
            assert await session.recv() == "after"
            await session.close()
        asyncio.run(main())
        """,
      ],
      request: "python3 /client.py"),
    Trial(
      name: "grpc",
      files: [
        "/srv/server.py": """
        import concurrent.futures, grpc, os, time
        def answer(request, context):
            while request == b"slow" and not os.path.exists("/release"): time.sleep(0.02)
            return request
        server = grpc.server(concurrent.futures.ThreadPoolExecutor())
        handler = grpc.unary_unary_rpc_method_handler(answer)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("App", {"Answer": handler}),))
        server.add_insecure_port("0.0.0.0:50051")
        server.start()
        server.wait_for_termination()
        """,
        "/client.py": """
        import grpc, sys
        call = grpc.insecure_channel("127.0.0.1:50051").unary_unary("/App/Answer")
        assert call(sys.argv[1].encode(), wait_for_ready=True, timeout=60) == sys.argv[1].encode()
        """,
      ],
      ready: "python3 /client.py fast", request: "python3 /client.py slow", exit: .code(143)),
    Trial(
      name: "celery",
      files: [
        "/srv/tasks.py": """
        import os, time
        from celery import Celery, signals
        app = Celery("tasks", broker="memory://")
        @app.task
        def slow():
            open("/started", "w").close()
            while not os.path.exists("/release"): time.sleep(0.02)
            open("/done", "w").close()
        @signals.worker_ready.connect
        def ready(**arguments): slow.delay()
        """
      ],
      ready: "test -e /started", request: "until test -e /done; do sleep 0.1; done", appFinishes: true),
    Trial(
      name: "worker",
      files: [
        "/srv/worker.py": """
        import os, signal, time
        stopping = False
        def stop(*_):
            global stopping
            stopping = True
        signal.signal(signal.SIGTERM, stop)
        open("/started", "w").close()
        while not stopping: time.sleep(0.02)
        while not os.path.exists("/release"): time.sleep(0.02)
        open("/done", "w").close()
        """
      ],
      ready: "test -e /started", request: "until test -e /done; do sleep 0.1; done", appFinishes: true),
    Trial(
      name: "node",
      files: [
        "/srv/server.js": """
        const http = require("http"), fs = require("fs")
        http.createServer(async (request, response) => {
          while (request.url === "/slow" && !fs.existsSync("/release")) await new Promise((next) => setTimeout(next, 20))
          response.end("ok")
        }).listen(8000)
        """
      ], exit: .code(143)),
    Trial(
      name: "jvm", files: ["/build/App.java": javaServer, "/build/manifest": "Main-Class: App\n"],
      build: "cd /build && javac App.java && jar cfm /app.jar manifest *.class"),
    Trial(
      name: "go", files: ["/build/main.go": goServer],
      build: "cd /build && GO111MODULE=off GOCACHE=/build/cache HOME=/build CGO_ENABLED=0 go build -o /app main.go",
      exit: .code(143)),
    Trial(
      name: "postgres", files: ["/usr/local/bin/docker-entrypoint.sh": postgresEntry],
      ready: "\(psql) -c 'select 1'",
      request: """
        \(psql) -c 'select 1' -c '\\! sleep 0.2' -c "do \\$\\$ begin while not exists (select from pg_ls_dir('/') as f \
        where f = 'release') loop perform pg_sleep(0.05); end loop; end \\$\\$"
        """),
    Trial(
      name: "redis", files: ["/usr/local/bin/docker-entrypoint.sh": execScript],
      ready: "redis-cli ping", request: "redis-cli set kept 1 && redis-cli blpop jobs 0 | grep -q job",
      release: "redis-cli lpush jobs job", prints: "DB saved on disk"),
    Trial(name: "shell", files: ["/srv/server.py": plainServer], exit: .code(143), prints: "preparing"),
  ]

  private static func fastCGI(_ script: String) -> String {
    "SCRIPT_FILENAME=/\(script).php REQUEST_METHOD=GET cgi-fcgi -bind -connect 127.0.0.1:9000 | grep -q finished"
  }

  private static let psql = "psql -h 127.0.0.1 -U postgres -Atq"

  private static let postgresEntry = """
    #!/bin/sh
    programs=/usr/lib/postgresql/15/bin
    mkdir -p /var/lib/postgresql/data && chown -R postgres /var/lib/postgresql/data
    mkdir -p /run/postgresql && chown postgres /run/postgresql
    gosu postgres $programs/initdb -D /var/lib/postgresql/data -A trust --no-sync > /dev/null
    exec gosu postgres $programs/"$@" -D /var/lib/postgresql/data

    """

  @Test(arguments: trials)
  func `a recipe finishes the request that is in flight at the stop signal`(trial: Trial) throws {
    let recipe = try Recipe(trial.name)
    var files = trial.files
    let hasBackend = ["nginx", "httpd", "haproxy"].contains(trial.name)
    if hasBackend { files["/backend.py"] = Self.plainServer.replacingOccurrences(of: "8000", with: "9000") }
    var environment = ["EBB_DELAY": "1s", "EBB_TERMINATION_GRACE_PERIOD": "60s"]
    if trial.appFinishes { environment["EBB_DRAIN"] = "time" }
    let container = try RecipeContainer(recipe, files: files, build: trial.build, environment: environment)
    let run = container.run
    if hasBackend { _ = try container.exec("exec python3 /backend.py") }
    try run.wait(for: "the app") { try container.succeeds(trial.ready) }
    let request = try container.exec(trial.request)
    try run.wait(for: "the request") { try isInFlight(container, trial) }
    container.send(recipe.stopSignal)
    try run.event(trial.appFinishes ? "stopping" : "draining")
    #expect(request.poll() == nil, "\(request)")
    #expect(try container.succeeds(trial.release))
    try request.expect(.code(0))
    try run.expect(trial.exit)
    let report = try run.event("exited")
    #expect(report["stop_signal"] as? String == recipe.stopSignal.description)
    #expect(report["killed"] as? Bool == false)
    #expect(report["stop_ended_by"] as? String == "exit")
    if let text = trial.prints { #expect((run.out.text + run.err.text).contains(text), "\(run)") }
  }

  private func isInFlight(_ container: RecipeContainer, _ trial: Trial) throws -> Bool {
    switch trial.name {
    case "celery", "worker": return true
    case "websocket": return try container.succeeds("test -e /in-flight")
    default:
      let status = try CommandResult(container.exec("/ebb status --connections --json", inPIDNamespace: true)).json()
      let connections = status["connections"] as? [String: Any]
      return (connections?["busy"] as? Int ?? 0) > 0
    }
  }

  @Test(arguments: try Recipe.all())
  func `each recipe is run by a test or names a reason not to, and Recipes.md links to it`(name: String) throws {
    let recipe = try Recipe(name)
    #expect(recipe.command.prefix(2) == ["/ebb", "--"])
    let isRun = Self.trials.contains { $0.name == name }
    #expect(isRun == (recipe.reasonNotToRun == nil))
    let page = try #require(Document.all.first { $0.path.hasSuffix("Recipes.md") })
    #expect(page.text.contains("(Recipes/\(name).Dockerfile)"))
  }
}
