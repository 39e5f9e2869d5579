import Foundation
import TestSupport
import Testing

/// The role of ebb: PID 1, or another process id and so a child subreaper.
enum PIDRole: String, CaseIterable, CustomTestStringConvertible {
  case subreaper
  case pid1

  var testDescription: String { rawValue }

  /// The roles that are possible on this machine.
  static let possible: [PIDRole] = TestRequirement.pidNamespace.isPresent ? allCases : [.subreaper]
}

/// One process under test, with its output and its end.
///
/// All processes that it starts inherit a mark in their environment, by which the end of a test finds and ends them.
final class Run: CustomStringConvertible {
  let pid: pid_t
  let out: CapturedOutput
  let err: CapturedOutput
  private let mark: String
  private let words: [String]
  private let place: PIDRole
  private var ended: Exit?
  private var input: Int32 = -1

  /// Starts `ebb OPTION... -- COMMAND...`.
  ///
  /// - Parameters:
  ///   - options: The options of ebb.
  ///   - command: The supervised command.
  ///   - place: Whether ebb is PID 1 of a new PID namespace.
  ///   - setup: All other properties of the new process.
  /// - Returns: The started process, in an unknown state of its start.
  /// - Throws: A `Failure` if it cannot be started.
  static func ebb(
    _ options: [String] = [], _ command: [String], in place: PIDRole = .subreaper,
    _ setup: LaunchOptions = LaunchOptions()
  ) throws -> Run {
    var setup = setup
    // First, so that PID 1 itself applies all other options and may become a session leader.
    if place == .pid1 { setup.launch.insert("--pid-namespace", at: 0) }
    return try Run([Binaries.ebb()] + options + ["--"] + command, setup, place)
  }

  /// Starts `ebb OPTION... -- COMMAND...` and waits until the command prints `ready`.
  static func ready(
    _ options: [String] = [], _ command: [String], in place: PIDRole = .subreaper,
    _ setup: LaunchOptions = LaunchOptions()
  ) throws -> Run {
    let run = try ebb(options, command, in: place, setup)
    try run.line("ready")
    return run
  }

  /// Starts ebb with exactly these arguments.
  static func ebb(arguments: [String], _ setup: LaunchOptions = LaunchOptions()) throws -> Run {
    try Run([Binaries.ebb()] + arguments, setup, .subreaper)
  }

  /// Starts any other program, by its full path.
  static func program(_ command: [String], in place: PIDRole = .subreaper, _ setup: LaunchOptions = LaunchOptions())
    throws -> Run
  {
    var setup = setup
    if place == .pid1 { setup.launch.insert("--pid-namespace", at: 0) }
    return try Run(command, setup, place)
  }

  private init(_ command: [String], _ setup: LaunchOptions, _ place: PIDRole) throws {
    mark = "TEST_APP_MARK=\(getpid())-\(TestResources.nextNumber())"
    words = setup.launch + command
    self.place = place
    let streams = try Streams(setup)
    let arguments = [Binaries.testApp, "launch"] + setup.launch + ["--"] + command
    let environment = setup.environment.map { "\($0.key)=\($0.value)" } + [mark]
    // Every signal is blocked until `TestApp launch` sets the mask that the test wants.
    let launch = Launch(
      bytes: arguments.map { Array($0.utf8) }, input: streams.given[0], output: streams.given[1],
      error: streams.given[2], environment: environment, blocked: Array(1...64))
    pid = try launch.start()
    streams.closeGiven()
    out = CapturedOutput(streams.out)
    err = CapturedOutput(streams.err)
    input = streams.input
    try TestResources.add(self)
  }

  deinit { closeInput() }

  // MARK: Reading

  /// Waits for a line of standard output that starts with `prefix`, and skips it.
  @discardableResult
  func line(_ prefix: String) throws -> String { try line(prefix, on: out) }

  /// Waits for a line of the given stream that starts with `prefix`, and skips it.
  @discardableResult
  func line(_ prefix: String, on output: CapturedOutput) throws -> String {
    var found: String?
    try wait(for: "the line \"\(prefix)\"") {
      found = output.next(prefix)
      return found != nil
    }
    return found ?? ""
  }

  /// Waits for the end of file, which comes when all processes with these streams have ended.
  func readToEnd() throws {
    try wait(for: "the end of file") { out.descriptor < 0 && err.descriptor < 0 }
  }

  /// Waits for a condition. Meanwhile it reads the output, so that the process never blocks on a full pipe.
  func wait(for what: String, limit: Duration = Clock.limit, until condition: () throws -> Bool) throws {
    do {
      try Clock.wait(for: what, limit: limit) {
        // Checked before the read, so that all output of an ended process is in the pipe.
        let over = poll() != nil
        out.read()
        err.read()
        if try condition() { return true }
        if over && out.descriptor < 0 && err.descriptor < 0 { throw Failure("the process ended without \(what)") }
        return false
      }
    } catch let failure as Failure {
      throw Failure("\(failure)\n\(self)")
    }
  }

  /// The lines of standard output that name a received signal, in order: "got TERM".
  var signals: [String] { out.lines.filter { $0.contains("got ") } }

  // MARK: Acting

  /// Waits for the first child of the process, for example PID 1 of a new namespace.
  func firstChild() throws -> pid_t {
    var child: pid_t?
    try wait(for: "a child process") {
      child = Proc.children(of: pid).first
      return child != nil
    }
    return try #require(child)
  }

  /// The process id of ebb in the PID namespace of the test.
  func supervisor() throws -> pid_t {
    if place == .subreaper { return pid }
    guard let found = try children().first else { throw Failure("no process 1 yet\n\(self)") }
    return found
  }

  /// The process id of the command in the PID namespace of the test.
  func command() throws -> pid_t {
    let supervisor = try supervisor()
    guard let found = Proc.children(of: supervisor).first else { throw Failure("no command yet\n\(self)") }
    return found
  }

  private func children() throws -> [pid_t] { Proc.children(of: pid) }

  /// Sends ebb a signal and returns the monotonic time before it can have arrived.
  @discardableResult
  func send(_ signal: Signal) throws -> Duration {
    let target = try supervisor()
    let moment = Clock.now()
    guard kill(target, signal.number) == 0 else { throw Failure("cannot send \(signal): errno \(errno)\n\(self)") }
    return moment
  }

  /// Sends ebb a signal and waits until the command prints it. Returns the monotonic time before it can have arrived.
  @discardableResult
  func deliver(_ signal: Signal) throws -> Duration {
    let sent = try send(signal)
    try line("got \(signal)")
    return sent
  }

  /// Writes to standard input, which must be a pipe or a terminal by the setup.
  func type(_ text: String) throws {
    guard writeAll(text, to: input) else {
      throw Failure("cannot write to its standard input: errno \(errno)\n\(self)")
    }
  }

  func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  // MARK: Ending

  /// Waits for the end.
  func exit(limit: Duration = Clock.limit) throws -> Exit {
    try wait(for: "the exit", limit: limit) { poll() != nil }
    out.read()
    err.read()
    guard let ended else { throw Failure("unreachable") }
    return ended
  }

  /// Waits for the end and checks it.
  func expect(_ expected: Exit, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let exit = try exit()
    #expect(exit == expected, "\(self)", sourceLocation: sourceLocation)
  }

  /// Sends SIGTERM, waits for the end and checks it. Returns the monotonic time before the signal can have arrived.
  @discardableResult
  func stop(_ expected: Exit, sourceLocation: SourceLocation = #_sourceLocation) throws -> Duration {
    let sent = try send(.sigterm)
    try expect(expected, sourceLocation: sourceLocation)
    return sent
  }

  /// How the process ended, or `nil`.
  func poll() -> Exit? {
    if ended == nil { ended = Exit(reaping: pid) }
    return ended
  }

  /// Ends the process and all that it has started, in any state.
  func end() throws { try Run.end([self]) }

  /// Ends all runs and all processes that they have started. Together, because a scan of all processes takes long.
  static func end(_ runs: [Run]) throws {
    if runs.isEmpty { return }
    let marks = Set(runs.map(\.mark))
    defer { for run in runs { run.closeAll() } }
    try Clock.wait(for: "the end of \(runs.map(\.words))") {
      var left = Proc.all().filter { $0 != getpid() && !marks.isDisjoint(with: Proc.environment(of: $0)) }
      left += runs.filter { $0.poll() == nil }.map(\.pid)
      for one in left { kill(one, SIGKILL) }
      return left.isEmpty
    }
  }

  private func closeAll() {
    out.close()
    err.close()
    closeInput()
  }

  var description: String {
    out.read()
    err.read()
    return """
      --- \(words.joined(separator: " "))
      --- exit: \(poll().map { "\($0)" } ?? "still running")
      --- standard output:
      \(out.text)--- standard error:
      \(err.text)---
      """
  }
}

/// Returns the arguments that run TestApp.
func testApp(_ arguments: String...) -> [String] { [Binaries.testApp] + arguments }
