import Foundation
import Testing

/// `TestApp serve` under ebb, which finds its port and counts its connections.
struct ServedApp {
  let run: Run
  let port: Int

  /// Starts both, and waits until the server listens.
  ///
  /// - Parameters:
  ///   - options: ebb's own, beside `--log json`.
  ///   - serve: Those of `TestApp serve`.
  ///   - place: As process 1 of a new namespace or not.
  ///   - launch: Those of `TestApp launch`.
  /// - Throws: A `Failure` when it does not come to that.
  init(_ options: [String] = [], _ serve: [String] = [], in place: PIDRole = .subreaper, launch: [String] = []) throws {
    try self.init(options, command: testApp("serve", "0") + serve, in: place, launch: launch)
  }

  /// Starts ebb with a command that ends up as `TestApp serve`.
  init(_ options: [String], command: [String], in place: PIDRole = .subreaper, launch: [String] = []) throws {
    var setup = LaunchOptions.withTraffic
    setup.launch = launch
    run = try Run.ebb(["--log", "json"] + options, command, in: place, setup)
    port = Int(try run.line("listening").number("port"))
  }

  /// Begins a stop.
  @discardableResult
  func stop() throws -> Duration { try run.send(.sigterm) }

  /// Waits for a line of the log.
  @discardableResult
  func event(_ name: String) throws -> [String: Any] {
    var found: [String: Any]?
    try run.wait(for: "the event \(name)") {
      found = try run.records().first { $0["event"] as? String == name }
      return found != nil
    }
    return found ?? [:]
  }

  /// Waits for the first look that could tell whose the listening sockets are, and returns its line of the log. Where
  /// something moves meanwhile, as on a busy machine, one before it cannot, and says so.
  @discardableResult
  func look() throws -> [String: Any] {
    var found: [String: Any]?
    try run.wait(for: "the event connections with ports") {
      found = try records("connections").first { ($0["ports"] as? [Int])?.isEmpty == false }
      return found != nil
    }
    return found ?? [:]
  }

  /// All lines of the log of that kind.
  func records(_ event: String) throws -> [[String: Any]] {
    try run.records().filter { $0["event"] as? String == event }
  }

  /// How long after `moment` the server got the stop signal.
  func toldToStop(after moment: Duration) throws -> Duration {
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
  /// Waits until a request has come to the server whose answer it owes.
  func expectRequest() throws { try waitForClass("owed-response") }

  /// Waits until there is a connection of that class.
  ///
  /// - Returns: How many there are in each, by `ebb status --connections`.
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

  /// Asks from within the network of a process, ebb's own where none is given. The body of the answer is printed.
  func ask(_ path: String, in pid: pid_t? = nil, port: Int? = nil) throws -> Run {
    let url = "http://127.0.0.1:\(port ?? self.port)\(path)"
    let curl = [Machine.path(of: "curl") ?? "curl", "-q", "-s", "-N", url]
    return try Run.program(curl, inNetworkOf: pid ?? run.supervisor())
  }

  /// Makes so many connections in ebb's own network, one after the other, with a request each, and closes them.
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

/// The report of a stop that ends with SIGKILL. Of another one, where the machine is too busy for the look in the last
/// 250 ms: nothing is told of that then.
func reportOfAKill(_ stop: () throws -> FinalReport) throws -> FinalReport {
  var report = try stop()
  for _ in 0..<4 where report.inFlight("at_kill") == nil { report = try stop() }
  return report
}

extension Run {
  /// Starts a program in the network of a process.
  static func program(_ command: [String], inNetworkOf pid: pid_t) throws -> Run {
    func network(_ process: String) -> String? {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
    if network("\(pid)") == network("self") { return try program(command) }
    return try program([Machine.path(of: "nsenter") ?? "nsenter", "-t", "\(pid)", "-n"] + command)
  }
}

/// What a run says about its stop at the end.
struct FinalReport: CustomStringConvertible {
  let values: [String: Any]
  let description: String

  init(_ run: Run) throws {
    values = try run.report()
    description = "\(run)"
  }

  subscript(key: String) -> Int? { values[key] as? Int }
  func text(_ key: String) -> String? { values[key] as? String }
  /// Nil: unknown.
  func inFlight(_ key: String) -> Int? { (values["in_flight"] as? [String: Any])?[key] as? Int }
  var drainEndedBy: String? { text("drain_ended_by") }
}
