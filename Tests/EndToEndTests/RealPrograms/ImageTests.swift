import Foundation
import TestSupport
import Testing

/// Further properties of real images: inherited sockets, other users, crashes, daemons, scripts, variables.
@Suite(.endsItsProcesses, .mostlyWaits)
struct ImageTests {
  private let python = installed("python3")

  // MARK: Socket activation

  /// Starts the command as a service manager does: it listens, sets LISTEN_PID to its own id and executes the command.
  private func activated(_ command: [String], port: Int) throws -> Run {
    let script = """
      import os, socket, sys
      listener = socket.create_server(("127.0.0.1", \(port)))
      os.dup2(listener.fileno(), 3)
      os.set_inheritable(3, True)
      os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
      os.execv(sys.argv[1], sys.argv[1:])
      """
    return try Run.program([python, "-c", script] + command, .withTraffic)
  }

  @Test(.needs(.program("gunicorn")), .needs(.program("curl")), arguments: [true, false])
  func `gunicorn serves on an activated socket with and without ebb`(underEbb: Bool) throws {
    let folder = try TestResources.folder()
    try "def app(environment, start):\n  start('200 OK', [])\n  return [b'ok']\n"
      .write(toFile: folder + "/app.py", atomically: true, encoding: .utf8)
    let port = try Client.freePort()
    let gunicorn = [installed("gunicorn"), "--chdir", folder, "app:app"]
    let run = try activated((underEbb ? [try Binaries.ebb(), "--"] : []) + gunicorn, port: port)
    try run.wait(for: "an answer") {
      try Run.program([
        installed("curl"), "-q", "-s", "-f", "--max-time", "2", "http://127.0.0.1:\(port)/",
      ])
      .exit() == .code(0)
    }
  }

  /// Prints `mine` for each variable that names the process itself.
  private let whose = """
    import os
    own = {str(os.getpid()), str(os.fstat(os.pidfd_open(os.getpid())).st_ino)}
    names = ["LISTEN_PID", "LISTEN_PIDFDID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"]
    print(*["mine" if os.environ[name] in own else "another's" for name in names], flush=True)
    """

  private func variables(_ values: String, _ command: [String]) throws -> Run {
    let script = """
      import os, sys
      pid = os.getpid()
      pidfdid = os.fstat(os.pidfd_open(pid)).st_ino
      os.environ.update(zip(["LISTEN_PID", "LISTEN_PIDFDID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"], map(str, \(values))))
      os.execv(sys.argv[1], sys.argv[1:])
      """
    return try Run.program([python, "-c", script, try Binaries.ebb()] + command)
  }

  @Test(.needs(.program("python3")))
  func `LISTEN_PID and similar variables that name ebb are changed to name the command`() throws {
    let run = try variables("[pid, pidfdid, pid, pid]", ["--", python, "-c", whose])
    try run.expect(.code(0))
    #expect(run.out.lines == ["mine mine mine mine"], "\(run)")
  }

  @Test(.needs(.program("python3")))
  func `LISTEN_PID and similar variables that name another process stay unchanged`() throws {
    let run = try variables("[1, 2, '', str(pid) + 'x']", ["--", python, "-c", whose])
    try run.expect(.code(0))
    #expect(run.out.lines == ["another's another's another's another's"], "\(run)")
  }

  @Test(.needs(.program("python3")))
  func `LISTEN_PID and similar variables do not name the pre-stop hook`() throws {
    let path = try TestResources.folder() + "/whose.py"
    try whose.write(toFile: path, atomically: true, encoding: .utf8)
    let run = try variables(
      "[pid, pidfdid, pid, pid]",
      ["--delay", "0", "--pre-stop", "\(python) \(path)", "--"] + testApp("serve", "0"))
    try run.line("listening")
    try run.send(.sigterm)
    _ = try run.exit()
    #expect(run.err.lines.contains("another's another's another's another's"), "\(run)")
  }

  // MARK: Another user

  @Test(.needs(.root), .needs(.pidNamespace), .needs(.program("gosu")), .needs(.program("redis-server")))
  func `a command of another user without CAP_KILL gives one early warning and no false success`() throws {
    let port = try Client.freePort()
    let setpriv = [
      installed("setpriv"), "--bounding-set=-all,+setuid,+setgid", "--inh-caps=-all",
    ]
    let options = ["--log", "json", "-t", "4s", "--delay", "500ms", "--drain-timeout", "500ms"]
    let redis = ["gosu", "redis", "redis-server", "--port", "\(port)", "--save", "", "--dir", "/tmp"]
    let run = try Run.program(
      setpriv + [try Binaries.ebb()] + options + ["--"] + redis,
      LaunchOptions(launch: ["--pid-namespace"], environment: LaunchOptions.withTraffic.environment))
    let warning = try run.event("out-of-reach")
    #expect(warning["level"] as? String == "warning" && warning["user"] as? Int != nil, "\(run)")
    #expect((warning["msg"] as? String)?.contains("capability KILL") == true, "\(run)")
    let supervisor = try run.firstChild()
    let status = try CommandResult(try PIDNamespace.start(besides: supervisor, [try Binaries.ebb(), "status"]))
    #expect(status.out.contains("no signal reaches the command"), "\(status)")
    let probe = try CommandResult(try PIDNamespace.start(besides: supervisor, [try Binaries.ebb(), "probe"]))
    #expect(probe.exit == .code(0) && probe.err.contains("no signal reaches the command"), "\(probe)")
    kill(supervisor, SIGTERM)
    _ = try run.exit()
    #expect(run.events("out-of-reach").count == 1 && run.events("signal-failed").isEmpty, "\(run)")
    #expect(try run.event("stopping")["signal"] is NSNull, "\(run)")
    #expect(try run.event("exited")["code"] as? Int == 137, "\(run)")
    #expect(!run.err.text.contains("sent the stop signal") && !run.err.text.contains("uninterruptible"), "\(run)")
    let connections = run.events("connections").compactMap { $0["msg"] as? String }
    #expect(connections.allSatisfy { $0.contains("/proc/PID/fd") } && !connections.isEmpty, "\(run)")
  }

  // MARK: Ends without a stop

  @Test(arguments: [("SEGV", 139), ("KILL", 137), ("ABRT", 134)])
  func `a crash outside a stop logs one warning`(signal: String, code: Int32) throws {
    let run = try Run.ebb(["--log", "json"], ["/bin/sh", "-c", "ulimit -c 0; kill -\(signal) $$"], .withTraffic)
    try run.expect(.code(code))
    let records = try run.records()
    #expect(records.count == 1 && records[0]["event"] as? String == "exited", "\(run)")
    #expect(records.first?["level"] as? String == "warning" && records.first?["signal"] as? String == signal, "\(run)")
  }

  @Test(arguments: [
    ["/bin/sh", "-c", "kill -INT $$"], ["/bin/sh", "-c", "kill -HUP $$"], ["/bin/sh", "-c", "kill -PIPE $$"],
    ["/bin/grep", "x", "/dev/null"], ["/bin/sh", "-c", "exit 3"], ["/bin/true"],
  ])
  func `an exit that is not a crash logs nothing`(command: [String]) throws {
    let run = try Run.ebb([], command, .withTraffic)
    _ = try run.exit()
    #expect(run.err.text == "", "\(run)")
  }

  @Test func `a server killed outside a stop is reported with a warning`() throws {
    let server = try ServedApp(["-v", "--rewrite", "USR2:KILL"], ["--no-handler"])
    #expect(try server.run.event("looked")["listens"] as? Bool == true, "\(server.run)")
    try server.run.send(.sigusr2)
    try server.run.expect(.code(137))
    #expect(try server.run.report()["level"] as? String == "warning", "\(server.run)")
  }

  @Test(.needs(.root), .needs(.program("python3")))
  func `the report names an out-of-memory kill`() throws {
    let group = "/sys/fs/cgroup/memory/ebb-test-\(getpid())-\(TestResources.nextNumber())"
    guard mkdir(group, 0o755) == 0 else { throw Failure("cannot create \(group): errno \(errno)") }
    try TestResources.atEnd { rmdir(group) }
    let enter = "echo $$ > \(group)/cgroup.procs && echo 60000000 > \(group)/memory.limit_in_bytes && exec \"$@\""
    let app = """
      import signal
      signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
      print("ready", flush=True)
      signal.sigwait([signal.SIGUSR1])
      b = bytearray()
      for _ in range(200): b.extend(b"x" * 1000000)
      """
    let run = try Run.program(
      ["/bin/sh", "-c", enter, "sh", try Binaries.ebb(), "--log", "json", "-v", "--", python, "-c", app], .withTraffic)
    try run.line("ready")
    // ebb compares the count of kills with that of its first check.
    try run.event("looked")
    try run.send(.sigusr1)
    try run.expect(.code(137))
    let report = try run.report()
    #expect(report["oom_kills"] as? Int == 1 && report["level"] as? String == "warning", "\(run)")
    #expect((report["msg"] as? String)?.contains("counts 1 out-of-memory kill") == true, "\(run)")
  }

  // MARK: Daemons

  @Test(.needs(.program("nginx")))
  func `an nginx that daemonizes gets one warning that advises to run it in the foreground`() throws {
    let server = try RealServer(.nginx, configured: "daemon on;")
    let run = try Run.ebb(["--log", "json"], server.command, .withTraffic)
    try run.expect(.code(0))
    let warnings = run.events("daemon")
    #expect(warnings.count == 1 && warnings[0]["port"] as? Int == server.port, "\(run)")
    #expect((warnings.first?["msg"] as? String)?.hasSuffix("run it in the foreground: nginx -g 'daemon off;'") == true)
  }

  @Test func `a leftover that does not listen does not count as a daemon`() throws {
    let run = try Run.ebb(["--log", "json"], testApp("leave", "1"), .withTraffic)
    try run.expect(.code(0))
    #expect(run.events("daemon").isEmpty, "\(run)")
  }

  // MARK: Smoke

  @Test(.needs(.program("nginx")), .needs(.root))
  func `ebb smoke sends the stop signal of the recognised server`() throws {
    let server = try RealServer(.nginx)
    let smoke = try SmokeResult(["--http", "http://127.0.0.1:\(server.port)/fast"], server.command)
    #expect(smoke.exit == .code(0), "\(smoke)")
    #expect(try smoke.detail("stop-signal-handled").contains("`nginx` got SIGQUIT and exited"), "\(smoke)")
    let fast = try SmokeResult(
      ["--stop-signal", "TERM", "--http", "http://127.0.0.1:\(server.port)/fast"], server.command)
    #expect(try fast.detail("stop-signal-handled").hasSuffix("use --rewrite TERM:QUIT"), "\(fast)")
  }

  @Test(.needs(.program("python3")))
  func `ebb smoke fails if the image's stop signal starts no stop`() throws {
    let server = try PythonServer("graceful")
    let smoke = try SmokeResult(["--stop-signal", "QUIT", "--http", server.url], server.command)
    #expect(smoke.exit == .code(1) && smoke.failed.contains("stop-signal-handled"), "\(smoke)")
    let detail = try smoke.detail("stop-signal-handled")
    #expect(detail.hasPrefix("SIGQUIT began no stop") && detail.hasSuffix("use --stop-signals TERM,QUIT"), "\(smoke)")
    let plain = try SmokeResult(["--stop-signal", "", "--http", server.url], server.command)
    #expect(plain.exit == .code(0), "\(plain)")
  }

  // MARK: Status

  @Test(arguments: [
    (
      [], ["KUBERNETES_SERVICE_HOST": "10.0.0.1"],
      "by SIGTERM (default); delay 5.0s (default), grace period 30s (kubernetes)"
    ),
    (["--delay", "3s"], [:], "by SIGTERM (default); delay 3.0s (flag), grace period 30s (default)"),
    (
      ["--stop-signals", "QUIT,TERM", "-t", "40s"], ["EBB_DELAY": "4s"],
      "by SIGQUIT SIGTERM (flag); delay 4.0s (variable), grace period 40s (flag)"
    ),
  ])
  func `ebb status shows the stop signals, the times and their sources`(
    options: [String], variables: [String: String], line: String
  ) throws {
    var setup = LaunchOptions.withTraffic
    setup.environment.merge(variables) { $1 }
    let run = try Run.ready(options, testApp("stay"), setup)
    let status = try CommandResult.ebb("status", about: run)
    #expect(status.out.contains("\nstop      \(line)\n"), "\(status)")
    let plan = try CommandResult.ebb("status", "--json", about: run).json()["plan"] as? [String: Any]
    #expect(
      plan?["delay_from"] is String && plan?["grace_period_ms"] is Int && plan?["stop_signals"] is [String], "\(status)"
    )
  }

  // MARK: Scripts

  /// Writes an entry script that starts node.
  private func nodeImage(exec: Bool) throws -> (command: [String], url: String) {
    let (folder, port) = (try TestResources.folder(), try Client.freePort())
    try """
    const server = require('http').createServer((request, response) => response.end('ok'))
    server.listen(\(port), '127.0.0.1')
    process.on('SIGTERM', () => server.close(() => process.exit(0)))
    """.write(toFile: folder + "/s.js", atomically: true, encoding: .utf8)
    let node = installed("node")
    try "#!/bin/sh\n\(exec ? "exec " : "")\(node) \(folder)/s.js\n"
      .write(toFile: folder + "/entry.sh", atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/entry.sh")
    return ([folder + "/entry.sh"], "http://127.0.0.1:\(port)/")
  }

  @Test(.needs(.program("node")))
  func `ebb smoke recognises a shell script by its first line and passes once its advice is followed`() throws {
    let broken = try nodeImage(exec: false)
    let smoke = try SmokeResult(["--http", broken.url], broken.command)
    #expect(smoke.exit == .code(1), "\(smoke)")
    let detail = try smoke.detail("stop-signal-handled")
    #expect(
      detail.contains("`entry.sh` dies of SIGTERM immediately and does not wait for its children")
        && detail.contains("use exec"), "\(smoke)")
    let cured = try nodeImage(exec: true)
    let passed = try SmokeResult(["--http", cured.url], cured.command)
    #expect(passed.exit == .code(0), "\(passed)")
  }

  @Test(.needs(.root), .needs(.program("apache2ctl")))
  func `ebb smoke of apache2ctl with SIGWINCH passes once its advice is followed`() throws {
    let server = try RealServer(.apache2)
    // A script that starts httpd as apache2ctl does, without the machine's configuration.
    let folder = try TestResources.folder()
    try "#!/bin/sh\n\(server.command.joined(separator: " "))\nexit $?\n"
      .write(toFile: folder + "/apache2ctl", atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/apache2ctl")
    let url = ["--http", "http://127.0.0.1:\(server.port)/fast"]
    let options = url + ["-t", "8s", "--drain-timeout", "2s", "--stop-signals", "TERM,WINCH", "--stop-signal", "WINCH"]
    let smoke = try SmokeResult(options, [folder + "/apache2ctl"])
    #expect(smoke.exit == .code(1), "\(smoke)")
    let detail = try smoke.detail("stop-signal-handled")
    #expect(detail.contains("`apache2ctl` does not act on SIGWINCH and does not forward it: start"), "\(smoke)")
    #expect(try SmokeResult(options + ["--group"], [folder + "/apache2ctl"]).exit == .code(0))
    // Without --stop-signals ebb does not recognise httpd behind the script.
    let hidden = try SmokeResult(
      url + ["-t", "8s", "--drain-timeout", "2s", "--stop-signal", "WINCH"], [folder + "/apache2ctl"])
    #expect(
      try hidden.detail("stop-signal-handled").hasSuffix("start httpd with exec, so that ebb recognises it"),
      "\(hidden)")
    #expect(try SmokeResult(url + ["--stop-signal", "WINCH"], server.command).exit == .code(0))
  }

  // MARK: Variables

  @Test func `an unknown EBB_ variable gives one warning`() throws {
    let variables = [
      "EBB_DELAYS": "3s", "EBB_PORT_80_TCP": "tcp://10.0.0.1:80", "EBB_SERVICE_HOST": "10.0.0.1", "EBB_X": "",
    ]
    let run = try Run.ebb(["--log", "json"], ["/bin/true"], .environment(variables))
    try run.expect(.code(0))
    let records = try run.records()
    #expect(records.count == 1 && records[0]["event"] as? String == "unknown-variable", "\(run)")
    #expect((records.first?["msg"] as? String)?.hasSuffix("did you mean EBB_DELAY?") == true, "\(run)")
  }
}
