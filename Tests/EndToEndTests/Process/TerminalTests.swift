import Foundation
import TestSupport
import Testing

/// A pseudo-terminal and an interactive shell must work with ebb as they do without it.
@Suite(.endsItsProcesses, .needs(.program("bash")))
struct TerminalTests {
  private let bash = [installed("bash"), "--norc", "--noprofile", "-i"]
  private let interrupt = "\u{3}"
  private let suspend = "\u{1a}"
  private let quit = "\u{1c}"

  private func setup(_ terminal: Terminal) -> LaunchOptions {
    var setup = LaunchOptions.environment(["TERM": "dumb", "PS1": "prompt>\\n", "HISTFILE": ""])
    setup.launch = ["--session", "--terminal"]
    setup.terminal = terminal
    return setup
  }

  /// Makes the shell print a word after all earlier input. From then on the terminal echoes control keys raw and not as
  /// "^C". CapturedOutput drops raw ones, so each line starts with the output of a program.
  private func settle(_ run: Run, _ word: String) throws {
    // The quotes make the echo of the typed line differ from the printed word.
    try run.type("stty -echoctl; echo ''\(word)\n")
    try run.line(word)
  }

  private func expectNoComplaint(_ run: Run) {
    for complaint in ["cannot set terminal process group", "no job control", "Inappropriate ioctl"] {
      #expect(!run.out.text.contains(complaint), "\(run)")
    }
  }

  // MARK: A shell under ebb

  @Test(arguments: PIDRole.possible)
  func `a shell under ebb has job control, receives keys and sets the exit code`(place: PIDRole) throws {
    let terminal = try Terminal()
    let run = try Run.ebb([], bash, in: place, setup(terminal))
    try settle(run, "hello")
    expectNoComplaint(run)

    try run.type(testApp("signals", "--exit-on", "QUIT:0").joined(separator: " ") + "\n")
    try run.line("ready")
    try run.type(interrupt)
    try run.line("got INT")
    try run.type(suspend)
    try run.line("got TSTP")
    try run.type(quit)
    try run.line("got QUIT")
    try settle(run, "again")
    #expect(run.signals.filter { $0.hasPrefix("got") } == ["got INT", "got TSTP", "got QUIT"])

    try run.type(testApp("stay").joined(separator: " ") + "\n")
    try run.line("ready")
    try run.type(suspend)
    try run.wait(for: "the shell to see it stopped") { run.out.text.contains("Stopped") }
    try settle(run, "shell-is-back")
    let shell = terminal.foreground
    try run.type("fg\n")
    try run.line(Binaries.testApp + " stay")
    try run.wait(for: "keys to reach it") { terminal.foreground != shell }
    try run.type(interrupt)
    try run.type("echo code=$?\n")
    try run.line("code=130")

    try run.type("exit 5\n")
    try run.expect(.code(5))
  }

  @Test(arguments: PIDRole.possible)
  func `Ctrl-C reaches a shell under ebb and starts no stop`(place: PIDRole) throws {
    let terminal = try Terminal()
    let run = try Run.ebb(["--delay", "0", "--grace", "1s"], bash, in: place, setup(terminal))
    try settle(run, "hello")
    try run.line("prompt>")
    try run.wait(for: "the shell to read keys") { terminal.readsKeys }
    // The shell echoes input only after it has installed its signal handlers.
    try run.type("abandoned ")
    try run.wait(for: "the echo") { run.out.text.contains("abandoned") }
    try run.type(interrupt)
    // The shell discards input that precedes its new prompt.
    try run.line("prompt>")
    try settle(run, "still-here")
    try run.type("exit\n")
    _ = try run.exit()
    #expect(!run.out.text.contains("event="), "a stop has begun\n\(run)")
  }

  // MARK: ebb under a shell

  private func ebb(_ command: [String]) throws -> String {
    ([try Binaries.ebb(), "--"] + command).joined(separator: " ") + "\n"
  }

  @Test func `ebb under a shell makes its command the foreground group, and keys reach the command alone`() throws {
    let terminal = try Terminal()
    let run = try Run.program(bash, setup(terminal))
    try settle(run, "hello")
    #expect(terminal.foreground == run.pid)
    try run.type(ebb(testApp("signals", "--exit-on", "QUIT:7")))
    let ready = try run.line("ready")
    #expect(try ready.number("pgid") == ready.number("pid"))
    #expect(try terminal.foreground == ready.number("pgid"))
    try run.type(interrupt)
    try run.line("got INT")
    try run.type(quit)
    try run.line("got QUIT")
    try run.type("echo code=$?\n")
    try run.line("code=7")
    // Each signal arrives once: ebb did not receive the key too and forward it.
    #expect(run.signals.filter { $0.hasPrefix("got") } == ["got INT", "got QUIT"])
    #expect(terminal.foreground == run.pid)
    expectNoComplaint(run)
  }

  @Test func `Ctrl-C to ebb under a shell ends the command with code 130`() throws {
    let run = try Run.program(bash, setup(Terminal()))
    try settle(run, "hello")
    try run.type(ebb(testApp("stay")))
    try run.line("ready")
    try run.type(interrupt)
    try run.type("echo code=$?\n")
    try run.line("code=130")
  }

  @Test func `Ctrl-Z suspends ebb and its command, and fg continues both`() throws {
    let terminal = try Terminal()
    let run = try Run.program(bash, setup(terminal))
    try settle(run, "hello")
    try run.type(ebb(testApp("stay")))
    let ready = try run.line("ready")
    let (command, supervisor) = (try ready.number("pid"), try ready.number("ppid"))
    for round in 1...3 {
      try run.type(suspend)
      try run.wait(for: "ebb and its command to stop") {
        Proc.state(of: supervisor) == "T" && Proc.state(of: command) == "T"
      }
      try settle(run, "shell-\(round)")
      #expect(terminal.foreground == run.pid)
      try run.type("fg\n")
      try run.wait(for: "the command to go on in the foreground") {
        terminal.foreground == command && Proc.state(of: command) == "S"
      }
    }
    try run.type(interrupt)
    try run.type("echo code=$?\n")
    try run.line("code=130")
    #expect(terminal.foreground == run.pid)
  }

  @Test(arguments: ["tini -s --", "dumb-init -c --", "catatonit --"])
  func `Ctrl-Z, fg and Ctrl-C work for ebb under another init's name`(words: String) throws {
    let terminal = try Terminal()
    let run = try Run.program(bash, setup(terminal))
    try settle(run, "hello")
    let folder = (try Init.link(String(words.prefix { $0 != " " })) as NSString).deletingLastPathComponent
    try run.type("\(folder)/\(words) \(testApp("stay").joined(separator: " "))\n")
    let ready = try run.line("ready")
    let (command, supervisor) = (try ready.number("pid"), try ready.number("ppid"))
    try run.type(suspend)
    try run.wait(for: "both to stop") { Proc.state(of: supervisor) == "T" && Proc.state(of: command) == "T" }
    try settle(run, "shell-is-back")
    try run.type("fg\n")
    try run.wait(for: "the command to go on in the foreground") {
      terminal.foreground == command && Proc.state(of: command) == "S"
    }
    try run.type(interrupt)
    try run.type("echo code=$?\n")
    try run.line("code=130")
  }

  @Test func `a suspended job ends after bg and SIGINT`() throws {
    let run = try Run.program(bash, setup(Terminal()))
    try settle(run, "hello")
    try run.type(ebb(testApp("stay")))
    let ready = try run.line("ready")
    let (command, supervisor) = (try ready.number("pid"), try ready.number("ppid"))
    try run.type(suspend)
    try run.wait(for: "the job to stop") { Proc.state(of: supervisor) == "T" && Proc.state(of: command) == "T" }
    try run.type("bg; kill -INT %1; wait %1; echo code=$?\n")
    try run.line("code=130")
  }

  @Test func `ebb in the background does not take the terminal`() throws {
    let terminal = try Terminal()
    let run = try Run.program(bash, setup(terminal))
    try settle(run, "hello")
    try run.type(ebb(testApp("stay")).dropLast() + " &\n")
    try run.line("ready")
    #expect(terminal.foreground == run.pid)
    try settle(run, "shell-is-here")
    try run.type("kill %1; wait %1 2>/dev/null; echo done\n")
  }

  @Test(arguments: [["/bin/true"], testApp("kill-self", "KILL"), ["/no/such/program"]])
  func `ebb gives the terminal back to its caller at exit`(command: [String]) throws {
    // A shell without job control does not take the terminal back itself, so its next read would fail.
    let terminal = try Terminal()
    let line = ([try Binaries.ebb(), "--"] + command).joined(separator: " ")
    let run = try Run.program(["/bin/sh", "-c", "\(line); echo over; read word; echo \"read $word\""], setup(terminal))
    try run.line("over")
    #expect(terminal.foreground == run.pid)
    try run.type("aloud\n")
    try run.line("read aloud")
    try run.expect(.code(0))
  }

  @Test func `a terminal hangup reaches the command as SIGHUP`() throws {
    var terminal: Terminal? = try Terminal()
    let run = try Run.ready([], testApp("stay"), setup(try #require(terminal)))
    // Closes all of the test's ends of the terminal.
    run.closeInput()
    run.out.close()
    terminal = nil
    try run.expect(.code(128 + SIGHUP))
  }
}
