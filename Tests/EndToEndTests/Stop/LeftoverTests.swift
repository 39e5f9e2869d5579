import Foundation
import TestSupport
import Testing

/// Processes that a wrapper leaves behind in a stop: which ones ebb signals, when, and how often.
@Suite(.endsItsProcesses, .mostlyWaits)
struct LeftoverTests {
  private let shell = "/bin/sh"

  /// Wraps an app in a shell that dies of the signal.
  private func wrapped(_ app: [String]) -> [String] { [shell, "-c", app.joined(separator: " ") + "; :"] }

  private func count(_ signal: String, in run: Run) -> Int {
    run.out.lines.filter { $0 == "got \(signal)" || $0.hasSuffix(" got \(signal)") }.count
  }

  @Test(arguments: PIDRole.possible, [["--group"], []])
  func `the app behind a shell gets the stop signal once`(place: PIDRole, options: [String]) throws {
    let run = try Run.ready(["--delay", "0"] + options, wrapped(testApp("signals", "--slow", "500")), in: place)
    try run.stop(.code(143))
    try run.readToEnd()
    #expect(count("TERM", in: run) == 1, "\(run)")
    #expect(run.out.lines.contains("done"), "\(run)")
  }

  /// `npm start` and many entry scripts leave their app behind.
  @Test func `an app that its shell left behind may use the rest of the grace period`() throws {
    let options = ["--delay", "0", "--log", "json"]
    let run = try Run.ready(options, wrapped(testApp("signals", "--slow", "4000")))
    try run.stop(.code(143))
    #expect(run.out.lines.contains("done"), "\(run)")
    let report = try FinalReport(run)
    #expect(report.text("leftovers") == "ended", "\(report)")
    let kill = try #require(run.events("leftovers").first?["kill_in_ms"] as? Int)
    #expect(kill > 4000, "\(report)")
  }

  @Test func `an app that got SIGTERM from its script does not get it again`() throws {
    let app = testApp("signals", "--slow", "500").joined(separator: " ")
    let script = "trap 'kill -TERM $!' TERM; \(app) & wait $!"
    let run = try Run.ready(["--delay", "0"], [shell, "-c", script])
    let command = try run.command()
    try run.wait(for: "the script to wait") { Proc.state(of: command) == "S" }
    try run.stop(.code(143))
    #expect(count("TERM", in: run) == 1, "\(run)")
    #expect(run.out.lines.contains("done"), "\(run)")
  }

  @Test func `an app that still listens after its script has exited gets SIGTERM`() throws {
    let server = testApp("serve", "0").joined(separator: " ")
    let run = try Run.ebb(
      ["--delay", "0", "--log", "json"], [shell, "-c", "trap 'exit 0' TERM; \(server) & wait"], in: .subreaper,
      .withTraffic)
    try run.line("listening")
    try run.stop(.code(0))
    #expect(count("TERM", in: run) + run.out.lines.filter { $0.hasPrefix("got TERM at=") }.count == 1, "\(run)")
    let report = try FinalReport(run)
    #expect(report.text("leftovers") == "ended", "\(report)")
    let stopping = try #require(run.events("leftovers-stopping").first)
    #expect(stopping["count"] as? Int == 1)
  }

  @Test(.needs(.program("python3")))
  func `ebb leaves the workers of a pool to their master`() throws {
    let pool = """
      import os, signal
      both = {signal.SIGTERM, signal.SIGUSR1}
      signal.pthread_sigmask(signal.SIG_BLOCK, both)
      def worker():
          os.write(1, b"worker ready\\n")
          os.write(1, b"worker got %s\\n" % signal.Signals(signal.sigwait(both)).name[3:].encode())
          os._exit(0)
      pids = []
      for _ in range(3):
          pid = os.fork()
          if pid == 0: worker()
          pids.append(pid)
      os.write(1, b"master ready\\n")
      os.write(1, b"master got %s\\n" % signal.Signals(signal.sigwait(both)).name[3:].encode())
      signal.sigtimedwait([signal.SIGTERM], 1)
      for pid in pids: os.kill(pid, signal.SIGUSR1)
      for pid in pids: os.waitpid(pid, 0)
      """
    let script = try TestResources.folder() + "/pool.py"
    try pool.write(toFile: script, atomically: true, encoding: .utf8)
    let python = installed("python3")
    let run = try Run.ebb(["--delay", "0"], wrapped([python, script]))
    try run.wait(for: "the pool") { run.out.lines.filter { $0.hasSuffix("ready") }.count == 4 }
    try run.stop(.code(143))
    try run.readToEnd()
    #expect(run.signals.filter { $0 == "master got TERM" }.count == 1, "\(run)")
    #expect(run.signals.filter { $0 == "worker got USR1" }.count == 3, "\(run)")
    #expect(run.signals.count == 4, "\(run)")
  }

  @Test(.needs(.program("python3")))
  func `--group signals a process forked after SIGTERM, but not again one that has left the group`() throws {
    let python = installed("python3")
    let script = """
      import os, signal, time
      signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
      def child(name, leaves):
          pid = os.fork()
          if pid: return pid
          if not leaves: os.write(1, b"%s ready\\n" % name)
          signal.sigwait([signal.SIGTERM])
          os.write(1, b"%s got TERM\\n" % name)
          if leaves:
              os.setsid()
              signal.sigtimedwait([signal.SIGTERM], 5) and os.write(1, b"%s got TERM\\n" % name)
          os._exit(0)
      leaver = child(b"leaver", True)
      os.write(1, b"ready\\n")
      signal.sigwait([signal.SIGTERM])
      child(b"late", False)
      while os.getsid(leaver) == os.getsid(0): time.sleep(0.01)
      os.kill(os.getpid(), signal.SIGKILL)
      """
    let run = try Run.ready(["--delay", "0", "--group"], [python, "-c", script])
    try run.stop(.code(137))
    try run.readToEnd()
    #expect(run.signals.sorted() == ["late got TERM", "leaver got TERM"], "\(run)")
  }

  /// nginx behind a shell needs this.
  @Test func `leftovers get the rewritten stop signal`() throws {
    let app = testApp("signals", "--exit-on", "QUIT:0")
    let run = try Run.ready(["--delay", "0", "-r", "TERM:QUIT"], wrapped(app))
    try run.send(.sigterm)
    _ = try run.exit()
    try run.readToEnd()
    #expect(count("QUIT", in: run) == 1, "\(run)")
    #expect(count("TERM", in: run) == 0, "\(run)")
  }

  /// Only ebb can signal a background process of a script whose parent has ended.
  @Test func `a daemon started before the stop gets SIGTERM after the command has exited`() throws {
    let daemon = testApp("signals", "--slow", "300").joined(separator: " ")
    let app = testApp("signals").joined(separator: " ")
    let run = try Run.ready(
      ["--delay", "0", "--log", "json"], [shell, "-c", "(\(daemon) &); exec \(app)"])
    try run.line("ready")
    let supervisor = try run.supervisor()
    try run.wait(for: "the daemon to be ebb's child") { Proc.children(of: supervisor).count >= 2 }
    try run.stop(.code(0))
    try run.readToEnd()
    #expect(run.out.lines.contains("done"), "\(run)")
    #expect(try FinalReport(run).text("leftovers") == "ended")
  }
}
