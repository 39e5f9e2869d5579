import Foundation
import TestSupport
import Testing

/// Real servers, stopped by the stop signals of their images.
@Suite(.endsItsProcesses, .mostlyWaits, .needs(.root), .needs(.program("curl")))
struct RealServerTests {
  private func started(_ server: RealServer, _ options: [String]) throws -> Run {
    let run = try Run.ebb(["--log", "json"] + options, server.command, .withTraffic)
    // By descent, because nginx and php-fpm overwrite the mark in their environment with their titles.
    try TestResources.atEnd {
      for command in Proc.children(of: run.pid) {
        for process in [command] + Proc.children(of: command) { kill(process, SIGKILL) }
      }
    }
    try server.awaitAnswer(run)
    return run
  }

  @Test(arguments: [RealServer.Kind.nginx, .phpFPM, .apache2, .haproxy, .postgres, .lighttpd])
  func `the stop signal of a server's image starts the stop and no request fails before it is forwarded`(
    kind: RealServer.Kind
  ) throws {
    guard installedPath(of: kind.program) != nil else { throw Failure("\(kind.program) is not installed") }
    let server = try RealServer(kind)
    let run = try started(server, ["--delay", "2s", "--drain", "time"])
    let sent = try run.send(kind.stopSignal)
    let requests = try server.ask { !run.events("stopping").isEmpty || run.poll() != nil }
    // A request in flight when the signal is forwarded may fail.
    let inDelay = requests.filter { $0.end - sent < .seconds(2) }
    #expect(!inDelay.isEmpty && inDelay.allSatisfy { $0.isGood }, "\(requests)\n\(run)")
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.text("stop_signal") == kind.stopSignal.description)
    #expect(report.text("delay_ended_by") == "time")
    #expect(report["delay_ms"].map { $0 >= 2000 } == true, "\(report)")
    let begin = try run.event("stop-signal")
    #expect(begin["recognised"] as? String == kind.name)
    #expect(begin["signal"] as? String == kind.stopSignal.description)
    #expect(try run.event("stopping")["signal"] as? String == kind.stopSignal.description)
  }

  struct Row: CustomTestStringConvertible {
    let kind: RealServer.Kind
    var needs = ""
    /// Whether the advice saves the slow request.
    var saves = true
    var hangs = false
    var testDescription: String { kind.rawValue }
    var rewrite: String { "TERM:\(kind.stopSignal)" }
  }

  static let rows = [
    Row(kind: .nginx), Row(kind: .phpFPM, needs: "process_control_timeout = 30s"), Row(kind: .apache2),
    Row(kind: .haproxy),
    Row(kind: .postgres, saves: false, hangs: true), Row(kind: .lighttpd), Row(kind: .uwsgi, saves: false, hangs: true),
  ]

  /// Stops the server during a slow request and returns whether it was answered.
  private func slowRequestAcrossAStop(_ row: Row, _ options: [String]) throws -> (isAnswered: Bool, run: Run) {
    let server = try RealServer(row.kind, configured: row.needs)
    let run = try started(
      server, ["--delay", "1s", "--drain", "time", "-t", "60s", "--grace", row.hangs ? "5s" : "40s"] + options)
    let client = try Run.program(server.client(slow: true))
    // After SIGTERM postgres waits for this client, which never disconnects.
    if row.kind == .postgres { try idleClient(server) }
    try waitForRequest(run)
    try run.send(.sigterm)
    if !options.isEmpty {
      try run.event("stopping")
      usleep(300_000)  // not a wait for a condition: a fast stop would end in this time
      try server.release()
    }
    let exit = try run.exit()
    try server.release()
    if row.hangs, options.isEmpty {
      #expect(exit == .code(137), "\(run)")
    } else {
      #expect(exit != .code(137), "\(run)")
    }
    return (try client.exit() == .code(0), run)
  }

  private func idleClient(_ server: RealServer) throws {
    let setup = LaunchOptions(typesInput: true)
    let psql = installed("psql")
    let idle = try Run.program([psql, "-h", "127.0.0.1", "-p", "\(server.port)", "-U", "postgres", "-Atq"], setup)
    try idle.type("select 'here';\n")
    try idle.line("here")
  }

  /// Waits until a request is in flight.
  private func waitForRequest(_ run: Run) throws {
    try run.wait(for: "the slow request") {
      let status = try CommandResult.ebb("status", "--connections", "--json", about: run).json()
      let classes = (status["connections"] as? [String: Any])?["classes"] as? [String: Int]
      // php-fpm does not read the end of the request.
      return classes?["owed-response"] != nil || classes?["unread-request"] != nil
    }
  }

  @Test(arguments: rows)
  func `a slow request that SIGTERM loses is saved by the advised rewrite`(row: Row) throws {
    guard installedPath(of: row.kind.program) != nil else { throw Failure("\(row.kind.program) is not installed") }
    let (isAnswered, without) = try slowRequestAcrossAStop(row, [])
    let report = try FinalReport(without)
    if row.hangs {
      #expect(report.values["killed"] as? Bool == true, "\(report)")
    } else {
      #expect(!isAnswered, "\(without)")
    }
    #expect(report.text("advice")?.contains("use --rewrite \(row.rewrite)") == true, "\(report)")
    #expect(report.text("advice")?.hasPrefix(row.kind.name) == true, "\(report)")
    let (isSaved, with) = try slowRequestAcrossAStop(row, ["-r", row.rewrite])
    #expect(isSaved == row.saves, "\(with)")
    #expect(try FinalReport(with).text("advice")?.contains("--rewrite") != true, "\(with)")
  }

  @Test func `nginx's SIGQUIT during a stop is logged and not forwarded`() throws {
    let server = try RealServer(.nginx)
    let run = try started(server, ["--delay", "2s", "--drain", "time"])
    try run.send(.sigterm)
    try run.event("stop-signal")
    try run.send(.sigquit)
    try run.event("repeated-stop-signal")
    try server.awaitAnswer(run)
    try run.expect(.code(0))
    let report = try FinalReport(run)
    #expect(report.text("stop_signal") == "TERM" && report.text("delay_ended_by") == "time", "\(report)")
  }

  @Test func `ebb stop sends the stop signal of the recognised server`() throws {
    let server = try RealServer(.nginx)
    let run = try started(server, ["--delay", "0", "--drain", "time"])
    let answer = try CommandResult.ebb("stop", about: run)
    #expect(answer.exit == .code(0), "\(answer)")
    try run.expect(.code(0))
    #expect(try FinalReport(run).text("stop_signal") == "QUIT", "\(run)")
  }

  @Test func `ebb status shows the advice for nginx until it is followed`() throws {
    let server = try RealServer(.nginx)
    let line = "nginx stops at once on SIGTERM and cuts requests in flight: use --rewrite TERM:QUIT"
    let plain = try CommandResult.ebb("status", about: try started(server, []))
    #expect(plain.out.contains("\n" + line + "\n"), "\(plain)")
    let cured = try CommandResult.ebb("status", about: try started(try RealServer(.nginx), ["-r", "TERM:QUIT"]))
    #expect(!cured.out.contains(line), "\(cured)")
  }

  @Test(arguments: [Signal.sighup, .sigusr1, .sigusr2])
  func `SIGHUP, SIGUSR1 and SIGUSR2 do not start a stop of nginx`(signal: Signal) throws {
    let server = try RealServer(.nginx)
    let run = try started(server, ["--delay", "0", "--drain", "time"])
    try run.send(signal)
    try server.awaitAnswer(run)
    #expect(run.events("stop-signal").isEmpty, "\(run)")
  }

  @Test func `--stop-signals replaces the stop signal of the recognised server`() throws {
    let server = try RealServer(.nginx)
    let run = try started(server, ["--stop-signals", "TERM"])
    try run.send(.sigquit)
    try run.expect(.code(0))
    #expect(run.events("stop-signal").isEmpty, "\(run)")
  }

  @Test(.needs(.program("java")))
  func `SIGQUIT makes a JVM print a thread dump and starts no stop`() throws {
    let path = try TestResources.folder() + "/App.java"
    try """
    public class App {
      public static void main(String[] arguments) throws Exception {
        System.out.println("ready");
        Thread.sleep(600000);
      }
    }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    let run = try Run.ready(
      ["-e", "143"], [installed("java"), "-XX:TieredStopAtLevel=1", path], .withTraffic)
    try run.send(.sigquit)
    try run.line("Full thread dump")
    #expect(run.err.text == "" && run.poll() == nil, "\(run)")
    try run.send(.sigterm)
    // A JVM exits with 143 after SIGTERM, which -e maps to 0.
    try run.expect(.code(0))
  }

  @Test(.needs(.program("python3")))
  func `SIGWINCH does not start a stop of an unrecognised app`() throws {
    let server = try PythonServer("graceful")
    let run = try Run.ebb(["--log", "json"], server.command, .withTraffic)
    let client = try Client(server.url)
    try run.send(.sigwinch)
    #expect(try client.ask().code == "200" && run.err.text == "", "\(run)")
  }

  @Test(arguments: [Signal.sigquit, .sigusr1, .realTime(3)])
  func `an exit after a signal that started no stop gives one warning`(signal: Signal) throws {
    let server = try ServedApp(["-v"], ["--no-handler"])
    #expect(try server.run.event("looked")["listens"] as? Bool == true, "\(server.run)")
    try server.run.send(signal)
    _ = try server.run.exit()
    let warnings = server.run.events("missed-stop-signal")
    #expect(warnings.count == 1 && warnings[0]["signal"] as? String == signal.description, "\(server.run)")
    let message = warnings.first?["msg"] as? String ?? ""
    #expect(message.contains("STOPSIGNAL") && message.contains("--stop-signals TERM,\(signal)"), "\(message)")
  }
}
