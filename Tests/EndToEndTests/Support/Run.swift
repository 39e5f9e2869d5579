import Foundation
import Testing

/// How a process ended.
enum Exit: Equatable {
  case code(Int32)
  case signal(Int32)
}

/// Where ebb runs: as process 1, or as anything else and so as a child subreaper.
enum PIDRole: String, CaseIterable, CustomTestStringConvertible {
  case subreaper
  case pid1

  var testDescription: String { rawValue }

  /// The places that this machine offers.
  static let possible: [PIDRole] = Machine.pidNamespace.isPresent ? allCases : [.subreaper]
}

/// One process under test: started exactly as told, its output read as it comes, its end waited for.
///
/// Everything it starts inherits a mark in its environment, so that the end of a test finds and ends all of it.
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
  ///   - options: ebb's own.
  ///   - command: What it supervises.
  ///   - place: As process 1 of a new namespace or not.
  ///   - setup: Everything else about the new process.
  /// - Returns: The started process; nothing is known yet of how far it has come.
  /// - Throws: A `Failure` when it cannot be started.
  static func ebb(
    _ options: [String] = [], _ command: [String], in place: PIDRole = .subreaper,
    _ setup: LaunchOptions = LaunchOptions()
  ) throws -> Run {
    var setup = setup
    // First, so that everything else is done by process 1 itself, which may have to lead a session.
    if place == .pid1 { setup.launch.insert("--pid-namespace", at: 0) }
    return try Run([Binaries.ebb()] + options + ["--"] + command, setup, place)
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
    pid = try spawn(arguments, environment: environment, streams: streams.given)
    streams.closeGiven()
    out = CapturedOutput(descriptor: streams.out)
    err = CapturedOutput(descriptor: streams.err)
    input = streams.input
    try TestResources.add(self)
  }

  deinit { closeInput() }

  // MARK: Reading

  /// Waits for a line that starts with `prefix`, and goes past it.
  @discardableResult
  func line(_ prefix: String) throws -> String { try line(prefix, on: out) }

  /// Waits for a line of the given stream that starts with `prefix`, and goes past it.
  @discardableResult
  func line(_ prefix: String, on output: CapturedOutput) throws -> String {
    var found: String?
    try wait(for: "the line \"\(prefix)\"") {
      found = output.next(prefix)
      return found != nil
    }
    return found ?? ""
  }

  /// Waits until everything up to the end of file has been read: all processes with these streams are gone.
  func readToEnd() throws {
    try wait(for: "the end of file") { out.descriptor < 0 && err.descriptor < 0 }
  }

  /// Waits for a condition, reading on meanwhile so that the process never waits for its reader.
  func wait(for what: String, limit: Duration = Clock.limit, until condition: () throws -> Bool) throws {
    do {
      try Clock.wait(for: what, limit: limit) {
        // Asked before the read: what an ended process had printed is then certainly in the pipe.
        let over = poll() != nil
        out.read()
        err.read()
        if try condition() { return true }
        if over && out.descriptor < 0 && err.descriptor < 0 { throw Failure("it ended without \(what)") }
        return false
      }
    } catch let failure as Failure {
      throw Failure("\(failure)\n\(self)")
    }
  }

  /// The lines of standard output that name a received signal, in order: "got TERM".
  var signals: [String] { out.lines.filter { $0.contains("got ") } }

  // MARK: Acting

  /// ebb's process id as the test sees it, also where ebb believes it is process 1.
  func supervisor() throws -> pid_t {
    if place == .subreaper { return pid }
    guard let found = try children().first else { throw Failure("no process 1 yet\n\(self)") }
    return found
  }

  /// The command's process id as the test sees it.
  func command() throws -> pid_t {
    let supervisor = try supervisor()
    guard let found = Proc.children(of: supervisor).first else { throw Failure("no command yet\n\(self)") }
    return found
  }

  private func children() throws -> [pid_t] { Proc.children(of: pid) }

  /// Sends ebb a signal and says when, on the monotonic clock: the moment before it can possibly have arrived.
  @discardableResult
  func send(_ signal: Signal) throws -> Duration {
    let target = try supervisor()
    let moment = Clock.now()
    guard kill(target, signal.number) == 0 else { throw Failure("cannot send \(signal): errno \(errno)\n\(self)") }
    return moment
  }

  /// Writes to the process's standard input, which the setup has made a pipe or a terminal.
  func type(_ text: String) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Failure("cannot write to its standard input: errno \(errno)\n\(self)") }
      bytes = bytes.dropFirst(count)
    }
  }

  func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  // MARK: Ending

  /// Waits for the end.
  func exit(limit: Duration = Clock.limit) throws -> Exit {
    try wait(for: "its end", limit: limit) { poll() != nil }
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

  /// How it ended, if it has.
  func poll() -> Exit? {
    if let ended { return ended }
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    ended = status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(status & 0x7f)
    return ended
  }

  /// Ends it and all it has started, whatever state they are in.
  func end() throws { try Run.end([self]) }

  /// Ends all of them and all they have started. Together: a look at each process of the machine takes its time.
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

/// A TestApp command line.
func testApp(_ arguments: String...) -> [String] { [Binaries.testApp] + arguments }
