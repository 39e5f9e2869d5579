import Foundation
import TestSupport
import Testing

/// Public bug reports of other inits, repeated with the real programs under ebb.
@Suite(.endsItsProcesses, .mostlyWaits)
struct RealAppTests {
  private let python = installed("python3")

  private func write(_ folder: String, _ name: String, _ text: String) throws {
    try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
  }

  @Test(.needs(.program("gunicorn")), .needs(.program("curl")))
  func `gunicorn under ebb answers the requests in its backlog during a stop`() throws {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    try write(
      folder, "app.py",
      "import time\ndef app(environment, start):\n  time.sleep(0.3)\n  start('200 OK', [])\n  return [b'ok']\n")
    let gunicorn = [
      installed("gunicorn"), "--workers", "1", "--bind", "127.0.0.1:\(port)", "--chdir", folder, "app:app",
    ]
    let run = try Run.ebb(
      ["--delay", "200ms", "--drain-quiet", "300ms", "-t", "60s", "--drain-timeout", "40s"], gunicorn, .withTraffic)
    let client = try Client("http://127.0.0.1:\(port)/")
    let requests = try (0..<12).map { _ in try client.start("http://127.0.0.1:\(port)/") }
    try run.wait(for: "the first answer") { requests.contains { $0.poll() != nil } }
    try run.send(.sigterm)
    for request in requests {
      try request.expect(.code(0))
      #expect(request.out.text.hasPrefix("200 "), "\(request)")
    }
    try run.expect(.code(0))
  }

  @Test(.needs(.program("celery")))
  func `repeated stop signals give celery one warm shutdown and its task finishes`() throws {
    let folder = try TestResources.folder()
    try write(
      folder, "tasks.py",
      """
      import time
      from celery import Celery, signals
      app = Celery("tasks", broker="memory://")
      @app.task
      def slow():
          print("task begins", flush=True)
          time.sleep(4)
          print("task ends", flush=True)
      @signals.worker_ready.connect
      def ready(**arguments): slow.delay()

      """)
    var setup = LaunchOptions.withTraffic
    setup.launch = ["--cwd", folder]
    setup.environment["C_FORCE_ROOT"] = "1"
    setup.environment["PYTHONUNBUFFERED"] = "1"
    let celery = [installed("celery"), "-A", "tasks", "worker", "--concurrency", "1", "-l", "WARNING"]
    let run = try Run.ebb(["--delay", "500ms"], celery, setup)
    try run.wait(for: "the task") { run.out.text.contains("task begins") || run.err.text.contains("task begins") }
    try run.send(.sigterm)
    try run.line("ebb: ", on: run.err)
    try run.send(.sigterm)
    try run.wait(for: "the shutdown") { (run.out.text + run.err.text).contains("Warm shutdown") }
    try run.stop(.code(0))
    let printed = run.out.text + run.err.text
    #expect(printed.contains("task ends") && !printed.contains("Cold shutdown"), "\(run)")
    #expect(run.err.lines.filter { $0.contains("event=repeated-stop-signal") }.count == 2, "\(run)")
  }

  @Test(.needs(.root), .needs(.program("apache2")), .needs(.program("curl")))
  func `with --session and -r WINCH:0 a terminal resize does not stop httpd`() throws {
    let server = try RealServer(.apache2)
    let terminal = try Terminal()
    var setup = LaunchOptions.withTraffic
    setup.launch = ["--session", "--terminal"]
    setup.terminal = terminal
    // Standard input is not a terminal, so the new session has none.
    let words = [
      "/bin/sh", "-c", "exec \"$@\" < /dev/null", "sh", try Binaries.ebb(), "--session", "-r", "WINCH:0", "--",
    ]
    let run = try Run.program(words + server.command, setup)
    try server.awaitAnswer(run)
    var size = winsize(ws_row: 50, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0)
    #expect(ioctl(terminal.descriptor, UInt(TIOCSWINSZ), &size) == 0)
    kill(run.pid, SIGWINCH)
    usleep(500_000)  // not a wait for a condition: the time in which httpd must not stop
    try server.awaitAnswer(run)
    #expect(!run.out.text.contains("event=stop-signal"), "\(run)")
  }

  @Test(.needs(.program("uvicorn")), .needs(.program("python3")))
  func `a WebSocket of uvicorn continues during the drain and closes with code 1000`() throws {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    try write(folder, "app.py", RecipeTests.asgiApp)
    try write(
      folder, "client.py",
      """
      import asyncio, websockets
      async def main():
          while True:
              try: session = await websockets.connect("ws://127.0.0.1:\(port)/")
              except OSError: await asyncio.sleep(0.1)
              else: break
          for _ in range(15):
              await session.send("hello")
              print(await session.recv(), flush=True)
              await asyncio.sleep(0.2)
          await session.close()
          print("closed", session.close_code, flush=True)
      asyncio.run(main())

      """)
    let uvicorn = [
      installed("uvicorn"), "app:app", "--port", "\(port)", "--app-dir", folder, "--lifespan", "off",
    ]
    let run = try Run.ebb(
      ["--log", "json", "--delay", "500ms", "--drain", "zero", "--drain-timeout", "15s"], uvicorn, .withTraffic)
    let client = try Run.program([python, folder + "/client.py"])
    try client.line("hello")
    try run.send(.sigterm)
    try client.expect(.code(0))
    #expect(client.out.lines.last == "closed 1000" && client.out.lines.count == 16, "\(client)")
    _ = try run.exit()
    #expect(run.events("exited").first?["drain_ended_by"] as? String == "zero", "\(run)")
  }

  @Test(.needs(.program("node")), arguments: PIDRole.possible)
  func `ebb reaps the orphans that node does not wait for`(place: PIDRole) throws {
    let script = """
      const { spawn } = require('child_process')
      for (let count = 0; count < 20; count++) spawn('/bin/sh', ['-c', '(sleep 0.2; exit 3) & exit 0'], { detached: true })
      setTimeout(() => console.log('done'), 1000)
      setInterval(() => {}, 1000)
      """
    let run = try Run.ebb(
      ["--log", "json", "-vv"], [installed("node"), "-e", script], in: place, .withTraffic)
    try run.line("done")
    let supervisor = try run.supervisor()
    try run.wait(for: "the orphans") { run.events("reaped").count >= 20 }
    #expect(Proc.children(of: supervisor).count == 1, "\(run)")
  }
}
