import Foundation
import Testing

/// A process namespace of its own, which tests enter as `kubectl exec` does.
struct PIDNamespace {
  /// Its process 1, and whatever that was started with.
  let run: Run
  private let first: pid_t
  private static let nsenter = Machine.path(of: "nsenter") ?? "nsenter"

  /// A namespace whose process 1 is ebb.
  static func ebb(_ options: [String] = [], _ command: [String]) throws -> PIDNamespace {
    let inside = try PIDNamespace(try Run.ebb(options, command, in: .pid1))
    try inside.run.waitForPage(of: inside.first)
    return inside
  }

  /// A namespace whose process 1 is something else, as in a pod that shares its process namespace.
  static func other() throws -> PIDNamespace {
    try PIDNamespace(try Run.program(testApp("stay"), .launch("--pid-namespace")))
  }

  private init(_ run: Run) throws {
    self.run = run
    try run.wait(for: "process 1") { Proc.children(of: run.pid).first != nil }
    first = Proc.children(of: run.pid)[0]
    try run.line("ready")
  }

  /// Starts another supervisor in there, and returns its process id as the test sees it.
  func startSupervisor(_ command: [String], ownMounts: Bool = false) throws -> (run: Run, pid: pid_t) {
    let run = try start([Binaries.ebb(), "--"] + command, ownMounts: ownMounts)
    try run.line("ready")
    let pid = try #require(Proc.children(of: run.pid).first)  // nsenter has forked
    try run.waitForPage(of: pid)
    return (run, pid)
  }

  /// Starts another process in there, on request in a mount namespace of its own, as a container of its own would be.
  func start(_ command: [String], ownMounts: Bool = false, _ setup: LaunchOptions = LaunchOptions()) throws -> Run {
    let unshare = ownMounts ? [Machine.path(of: "unshare") ?? "unshare", "-m"] : []
    return try Run.program([Self.nsenter, "-t", "\(first)", "-p", "-m"] + unshare + command, setup)
  }

  /// Starts a process in the same namespaces as another one.
  static func start(besides pid: pid_t, _ command: [String]) throws -> Run {
    try Run.program([nsenter, "-t", "\(pid)", "-p", "-m"] + command)
  }

  /// Runs one of ebb's commands in there to its end.
  func ebb(_ words: String...) throws -> CommandResult { try CommandResult(try start([Binaries.ebb()] + words)) }
}

/// What one of ebb's commands has answered.
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

  /// A command on the supervisor of a run.
  static func ebb(_ words: String..., about run: Run) throws -> CommandResult { try ebb(words, about: run) }

  /// The same.
  static func ebb(_ words: [String], about run: Run) throws -> CommandResult {
    let supervisor = try run.supervisor()
    try run.waitForPage(of: supervisor)
    return try CommandResult(try Run.ebb(arguments: words + ["--pid", "\(supervisor)"]))
  }

  /// The answer as a JSON object.
  func json() throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(out.utf8)) as? [String: Any] else {
      throw Failure("no JSON object\n\(self)")
    }
    return object
  }
}

extension Run {
  /// The command runs before its supervisor can be seen, since it must not inherit the page.
  func waitForPage(of supervisor: pid_t) throws {
    try wait(for: "the status page") {
      Proc.descriptors(of: supervisor).values.contains("/memfd:ebb-status (deleted)")
    }
  }
}
