import Foundation
import TestSupport
import Testing

/// A new PID namespace, which tests enter as `kubectl exec` does.
struct PIDNamespace {
  /// The run that made the namespace; its child is PID 1.
  let run: Run
  private let first: pid_t
  private static let nsenter = installed("nsenter")

  /// Makes a namespace whose PID 1 is ebb.
  static func ebb(_ options: [String] = [], _ command: [String]) throws -> PIDNamespace {
    let inside = try PIDNamespace(try Run.ebb(options, command, in: .pid1))
    try inside.run.waitForPage(of: inside.first)
    return inside
  }

  /// Makes a namespace whose PID 1 is another program, as in a pod that shares its PID namespace.
  static func other() throws -> PIDNamespace {
    try PIDNamespace(try Run.program(testApp("stay"), .launch("--pid-namespace")))
  }

  private init(_ run: Run) throws {
    self.run = run
    first = try run.firstChild()
    try run.line("ready")
  }

  /// Starts another supervisor in the namespace. Returns its process id in the PID namespace of the test.
  func startSupervisor(_ command: [String], ownMounts: Bool = false) throws -> (run: Run, pid: pid_t) {
    let run = try start([Binaries.ebb(), "--"] + command, ownMounts: ownMounts)
    try run.line("ready")
    let pid = try run.firstChild()  // nsenter has forked the supervisor
    try run.waitForPage(of: pid)
    return (run, pid)
  }

  /// Starts another process in the namespace, optionally in a new mount namespace as another container has one.
  func start(_ command: [String], ownMounts: Bool = false, _ setup: LaunchOptions = LaunchOptions()) throws -> Run {
    let unshare = ownMounts ? [installed("unshare"), "-m"] : []
    return try Run.program([Self.nsenter, "-t", "\(first)", "-p", "-m"] + unshare + command, setup)
  }

  /// Starts a process in the same namespaces as another one.
  static func start(besides pid: pid_t, _ command: [String]) throws -> Run {
    try Run.program([nsenter, "-t", "\(pid)", "-p", "-m"] + command)
  }

  /// Runs a command of ebb in the namespace to its end.
  func ebb(_ words: String...) throws -> CommandResult { try CommandResult(try start([Binaries.ebb()] + words)) }
}

/// The exit and output of a command of ebb.
struct CommandResult: CustomStringConvertible {
  let exit: Exit
  let out: String
  let err: String
  let description: String

  init(_ run: Run) throws {
    exit = try run.exit()
    try run.readToEnd()
    (out, err, description) = (run.out.text, run.err.text, "\(run)")
  }

  /// Runs a command on the supervisor of a run.
  static func ebb(_ words: String..., about run: Run) throws -> CommandResult { try ebb(words, about: run) }

  /// Runs a command on the supervisor of a run.
  static func ebb(_ words: [String], about run: Run) throws -> CommandResult {
    let supervisor = try run.supervisor()
    try run.waitForPage(of: supervisor)
    return try CommandResult(try Run.ebb(arguments: words + ["--pid", "\(supervisor)"]))
  }

  /// The output as a JSON object.
  func json() throws -> [String: Any] {
    do { return try out.jsonObject() } catch { throw Failure("\(error)\n\(self)") }
  }
}

extension Run {
  /// Waits for the status page. ebb makes it after the command's start, because the command must not inherit it.
  func waitForPage(of supervisor: pid_t) throws {
    try wait(for: "the status page") {
      Proc.descriptors(of: supervisor).values.contains("/memfd:ebb-status (deleted)")
    }
  }
}
