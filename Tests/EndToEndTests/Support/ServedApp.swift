import Foundation
import TestSupport
import Testing

/// `TestApp serve` under ebb, which discovers its port and counts its connections.
struct ServedApp {
  let run: Run
  let port: Int

  /// Starts both, and waits until the server listens.
  ///
  /// - Parameters:
  ///   - options: The options of ebb, besides `--log json`.
  ///   - serve: The options of `TestApp serve`.
  ///   - place: Whether ebb is PID 1 of a new PID namespace.
  ///   - launch: The options of `TestApp launch`.
  /// - Throws: A `Failure` if the server does not listen in time.
  init(_ options: [String] = [], _ serve: [String] = [], in place: PIDRole = .subreaper, launch: [String] = []) throws {
    try self.init(options, command: testApp("serve", "0") + serve, in: place, launch: launch)
  }

  /// Starts ebb with a command that becomes `TestApp serve`.
  init(_ options: [String], command: [String], in place: PIDRole = .subreaper, launch: [String] = []) throws {
    let setup = LaunchOptions.withTraffic(launch: launch)
    run = try Run.ebb(["--log", "json"] + options, command, in: place, setup)
    port = Int(try run.line("listening").number("port"))
  }

  /// Begins a stop.
  @discardableResult
  func stop() throws -> Duration { try run.send(.sigterm) }

  /// Waits for the first sample whose listening sockets were attributed to the command, and returns its record. On a
  /// busy machine, earlier samples may fail to attribute them and log that.
  @discardableResult
  func sampleWithPorts() throws -> [String: Any] {
    try run.event("connections") { ($0["ports"] as? [Int])?.isEmpty == false }
  }

  /// Returns the time from `moment` to the stop signal in the server.
  func timeToStopSignal(after moment: Duration) throws -> Duration {
    var line: String?
    try run.wait(for: "the stop signal") {
      line = run.out.lines.first { $0.hasPrefix("got TERM") }
      return line != nil
    }
    guard let at = Int64(try (line ?? "").field("at")) else { throw Failure("no time: \(line ?? "")") }
    return .nanoseconds(at) - moment
  }

  /// Waits for the end of both.
  ///
  /// - Returns: ebb's report.
  func report(_ exit: Exit = .code(0), sourceLocation: SourceLocation = #_sourceLocation) throws -> FinalReport {
    try run.expect(exit, sourceLocation: sourceLocation)
    return try FinalReport(run)
  }
}

extension ServedApp {
  /// Waits until the server has a request without a response.
  func expectRequest() throws { try waitForClass("owed-response") }

  /// Sends a GET and waits until the server has it.
  func startRequest(_ path: String, _ client: RawClient) throws {
    client.ask(path)
    try expectRequest()
  }

  /// Waits until there is a connection of that class.
  ///
  /// - Returns: The number of connections in each class, from `ebb status --connections`.
  @discardableResult
  func waitForClass(_ name: String) throws -> [String: Int] {
    var classes: [String: Int] = [:]
    try run.wait(for: "a connection of the class \(name)") {
      let connections = try connections()["classes"] as? [String: Int]
      classes = connections ?? [:]
      return classes[name] != nil
    }
    return classes
  }

  /// Waits until no connection has a request or a response in flight: the kernel has processed all acknowledgements.
  func waitUntilAnswered() throws {
    let inFlight = ["pending-accept", "unread-request", "owed-response", "response-in-flight"]
    try run.wait(for: "the end of all requests") {
      let classes = try connections()["classes"] as? [String: Int]
      return classes.map { $0.keys.allSatisfy { !inFlight.contains($0) } } ?? false
    }
  }

  /// Sends a request from the network namespace of a process, by default that of ebb. It prints the body of the
  /// response.
  func ask(_ path: String, in pid: pid_t? = nil, port: Int? = nil) throws -> Run {
    let url = "http://127.0.0.1:\(port ?? self.port)\(path)"
    let curl = [installed("curl"), "-q", "-s", "-N", url]
    return try Run.program(curl, inNetworkOf: pid ?? run.supervisor())
  }

  /// Makes this number of connections in ebb's network namespace, one after the other with one request each, and closes
  /// them.
  func connect(_ count: Int) throws {
    let clients = testApp("connect", "\(port)", "\(count)", "--close")
    try Run.program(clients, inNetworkOf: run.supervisor()).line("connected")
  }

  /// `connections` of `ebb status --connections --json`.
  func connections() throws -> [String: Any] { try run.connections() }
}

extension Run {
  /// `connections` of `ebb status --connections --json`.
  func connections() throws -> [String: Any] {
    let supervisor = try supervisor()
    try waitForPage(of: supervisor)
    let words = [try Binaries.ebb(), "status", "--connections", "--json", "--pid", "\(supervisor)"]
    let status = try CommandResult(try Run.program(words, inNetworkOf: supervisor)).json()
    guard let connections = status["connections"] as? [String: Any] else { throw Failure("no connections: \(status)") }
    return connections
  }
}

/// Returns the report of a stop that ends with SIGKILL. It repeats the stop up to 4 times, because a busy machine may
/// have no time for the sample in the last 250 ms, which leaves `at_kill` unknown.
func reportOfAKill(_ stop: () throws -> FinalReport) throws -> FinalReport {
  var report = try stop()
  for _ in 0..<4 where report.inFlight("at_kill") == nil { report = try stop() }
  return report
}

extension Run {
  /// Starts a program in the network namespace of a process.
  static func program(_ command: [String], inNetworkOf pid: pid_t) throws -> Run {
    func network(_ process: String) -> String? {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
    if network("\(pid)") == network("self") { return try program(command) }
    return try program([installed("nsenter"), "-t", "\(pid)", "-n"] + command)
  }
}
