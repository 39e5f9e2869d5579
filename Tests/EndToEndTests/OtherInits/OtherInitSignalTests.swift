import Foundation
import TestSupport
import Testing

/// The signals of tini, dumb-init and catatonit, and their exit. Each test also runs with Debian's program, which
/// proves the expectation.
@Suite(.endsItsProcesses, .needsOtherInits)
struct OtherInitSignalTests {
  /// The call of an init, and the signals that it does not forward.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    let options: [String]
    var lost: [Signal] = []
    var testDescription: String { ([name] + options).joined(separator: " ") }
  }

  private static let faultInjection = [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS].map {
    Signal(number: $0, description: names[$0] ?? "")
  }
  private static let names: [Int32: String] = [
    SIGILL: "ILL", SIGTRAP: "TRAP", SIGBUS: "BUS", SIGFPE: "FPE", SIGSEGV: "SEGV", SIGSYS: "SYS",
  ]

  static let forms = [
    Form(name: "tini", options: ["-s"], lost: faultInjection + [.sigabrt, .sigchld, .sigttin, .sigttou]),
    Form(name: "tini", options: ["-s", "-g"], lost: faultInjection + [.sigabrt, .sigchld, .sigttin, .sigttou]),
    Form(name: "dumb-init", options: [], lost: [.sigchld, .sigtstp, .sigttin, .sigttou]),
    Form(name: "dumb-init", options: ["-c"], lost: [.sigchld]),
    Form(name: "catatonit", options: [], lost: faultInjection + [.sigabrt, .sigchld, .sigtstp, .sigttin, .sigttou]),
    Form(
      name: "catatonit", options: ["-g"], lost: faultInjection + [.sigabrt, .sigchld, .sigtstp, .sigttin, .sigttou]),
  ]

  private func start(
    _ form: Form, _ maker: Init.Maker, _ command: [String], _ variables: [String: String] = [:],
    in place: PIDRole = .subreaper
  ) throws -> Run {
    try Init(name: form.name, maker: maker).start(form.options + ["--"] + command, variables, in: place)
  }

  /// As PID 1, because otherwise a fault signal ends tini and catatonit, but not ebb.
  @Test(.needs(.pidNamespace), arguments: forms, Init.Maker.allCases)
  func `an init as PID 1 forwards each signal once except those that it keeps`(form: Form, maker: Init.Maker) throws {
    let run = try start(form, maker, testApp("signals", "--ignore-term", "--exit-on", "USR2:7"), in: .pid1)
    try run.line("ready")
    let (supervisor, command) = (try run.supervisor(), try run.command())
    var expected: [String] = []
    let all =
      Self.faultInjection + Signal.forwarded.filter { $0 != .sigusr2 } + [
        .sigttin, .sigcont, .sigttou, .sigcont, .sigchld, .sigterm, .sigterm,
      ]
    for signal in all {
      try run.send(signal)
      if !form.lost.contains(signal) {
        try run.line("got \(signal)")
        expected.append("got \(signal)")
      }
      // Each of these suspends dumb-init. As PID 1 it is not suspended, but loses a pending SIGCONT.
      guard form.name == "dumb-init", [.sigtstp, .sigttin, .sigttou].contains(signal) else { continue }
      if form.options.isEmpty { try run.wait(for: "the command to stop") { Proc.state(of: command) == "T" } }
      try run.wait(for: "the init to sleep again") { Proc.state(of: supervisor) == "S" }
    }
    try run.send(.sigusr2)
    try run.expect(.code(7))
    // A second SIGTERM is forwarded too, without a SIGCONT after it.
    #expect(run.signals == expected + ["got USR2"])
  }

  @Test(arguments: forms.filter { !$0.options.isEmpty || $0.name == "dumb-init" }, Init.Maker.allCases)
  func `an init signals the process group or the command alone as its options say`(form: Form, maker: Init.Maker) throws
  {
    let run = try start(form, maker, testApp("signals", "--with-child", "--exit-on", "USR1:0", "--ignore-term"))
    try run.line("child ready")
    try run.deliver(.sighup)
    let reachesGroup = form.options.contains("-g") || form.name == "dumb-init" && form.options.isEmpty
    if reachesGroup { try run.wait(for: "the child's") { run.out.text.contains("child got HUP") } }
    try run.send(.sigusr1)
    try run.expect(.code(0))
    #expect(run.out.text.contains("child got HUP") == reachesGroup)
  }

  // MARK: The end

  struct End: Sendable, CustomTestStringConvertible {
    let form: Form
    let leftoverGets: [String]
    var variables: [String: String] = [:]
    var testDescription: String { "\(form.testDescription) \(variables)" }
  }

  static let ends = [
    End(form: Form(name: "tini", options: ["-s", "-g"]), leftoverGets: []),
    End(form: Form(name: "catatonit", options: ["-g"]), leftoverGets: []),
    End(form: Form(name: "dumb-init", options: []), leftoverGets: ["child got TERM"]),
    End(form: Form(name: "dumb-init", options: ["-r", "15:10"]), leftoverGets: ["child got USR1"]),
    End(form: Form(name: "dumb-init", options: ["-r", "15:0"]), leftoverGets: []),
    End(form: Form(name: "dumb-init", options: ["-c"]), leftoverGets: []),
    End(form: Form(name: "dumb-init", options: []), leftoverGets: [], variables: ["DUMB_INIT_SETSID": "0"]),
    End(
      form: Form(name: "dumb-init", options: []), leftoverGets: ["child got TERM"],
      variables: ["DUMB_INIT_SETSID": "no"]),
  ]

  @Test(arguments: ends, Init.Maker.allCases)
  func `an init exits with its command and only dumb-init signals the remaining processes`(
    end: End, maker: Init.Maker
  ) throws {
    let command = testApp("signals", "--with-child", "--ignore-term", "--exit-on", "QUIT:3")
    let run = try start(end.form, maker, command, end.variables)
    let leader = pid_t(try run.line("ready").number("pid"))
    let child = pid_t(try run.line("child ready").number("pid"))
    kill(leader, SIGQUIT)
    try run.expect(.code(3))
    // Real-time signals are delivered after the others (signal(7)), so this line is the child's last one.
    kill(child, Signal.realTime(1).number)
    try run.wait(for: "the child's RTMIN+1") { run.out.text.contains("child got RTMIN+1") }
    #expect(run.out.lines.filter { $0.hasPrefix("child got") } == end.leftoverGets + ["child got RTMIN+1"], "\(run)")
  }

  @Test(arguments: forms, Init.Maker.allCases)
  func `an init exits with 128 plus the signal that killed its command`(form: Form, maker: Init.Maker) throws {
    let run = try start(form, maker, testApp("stay"))
    try run.line("ready")
    try run.stop(.code(128 + SIGTERM))
  }

  // MARK: dumb-init's rewrites and job control

  @Test(arguments: Init.Maker.allCases)
  func `dumb-init rewrites fault and terminal signals, applies the last rule and drops signals rewritten to 0`(
    maker: Init.Maker
  ) throws {
    let options = ["-c", "-r", "11:10", "-r", "21:12", "-r", "1:3", "-r", "1:2", "-r", "28:0", "-r", "15:10"]
    let run = try start(
      Form(name: "dumb-init", options: options), maker, testApp("signals", "--exit-on", "QUIT:7"))
    try run.line("ready")
    for (signal, expected) in [
      (Self.faultInjection[4], "USR1"), (.sigwinch, nil), (.sighup, "INT"), (.sigterm, "USR1"),
    ] {
      try run.send(signal)
      if let expected { try run.line("got \(expected)") }
    }
    try run.send(.sigttin)
    try run.line("got USR2")
    try run.wait(for: "the init to suspend itself") { Proc.state(of: run.pid) == "T" }
    try run.deliver(.sigcont)
    try run.send(.sigquit)
    try run.expect(.code(7))
    #expect(run.signals == ["USR1", "INT", "USR1", "USR2", "CONT", "QUIT"].map { "got " + $0 }, "\(run)")
  }

  @Test(arguments: [Signal.sigtstp, .sigttin, .sigttou], Init.Maker.allCases)
  func `dumb-init suspends its session and itself on SIGTSTP, SIGTTIN and SIGTTOU`(
    signal: Signal, maker: Init.Maker
  ) throws {
    let run = try start(Form(name: "dumb-init", options: []), maker, testApp("signals"))
    let command = pid_t(try run.line("ready").number("pid"))
    try run.send(signal)
    try run.wait(for: "both to stop") { Proc.state(of: run.pid) == "T" && Proc.state(of: command) == "T" }
    try run.deliver(.sigcont)
    try run.stop(.code(0))
    #expect(run.signals == ["got CONT", "got TERM"])
  }

  @Test(arguments: Init.both("dumb-init"))
  func `dumb-init starts a session unless -c or DUMB_INIT_SETSID=0 is given`(program: Init) throws {
    let session = try program.start(testApp("report")).line("ready")
    #expect(try session.field("sid") == session.field("pid"))
    for (options, variables) in [(["-c"], [:]), ([], ["DUMB_INIT_SETSID": "0"])] as [([String], [String: String])] {
      let ready = try program.start(options + testApp("report"), variables).line("ready")
      #expect(try ready.field("sid") != ready.field("pid"))
    }
  }

  // MARK: Orphans

  private let orphan = ["sh", "-c", "sh -c 'sleep 1000 & echo orphan pid=$!'; exec sleep 1000"]

  struct Adoption: Sendable, CustomTestStringConvertible {
    let form: Form
    var variables: [String: String] = [:]
    let isSubreaper: Bool
    var warns = false
    var testDescription: String { "\(form.testDescription) \(variables)" }
  }

  static let adoptions = [
    Adoption(form: Form(name: "tini", options: []), isSubreaper: false, warns: true),
    Adoption(form: Form(name: "docker-init", options: ["-v"]), isSubreaper: false, warns: true),
    Adoption(form: Form(name: "tini", options: ["-s"]), isSubreaper: true),
    Adoption(form: Form(name: "tini", options: []), variables: ["TINI_SUBREAPER": ""], isSubreaper: true),
    Adoption(form: Form(name: "tini", options: []), variables: ["TINI_VERBOSITY": "0"], isSubreaper: false),
    // The variable replaces the count of -v.
    Adoption(form: Form(name: "tini", options: ["-v", "-v"]), variables: ["TINI_VERBOSITY": "x"], isSubreaper: false),
    Adoption(form: Form(name: "dumb-init", options: []), isSubreaper: false),
    Adoption(form: Form(name: "catatonit", options: []), isSubreaper: true),
  ]

  @Test(arguments: adoptions, Init.Maker.allCases)
  func `an init that is a subreaper adopts orphans and tini warns if it is not`(
    adoption: Adoption, maker: Init.Maker
  ) throws {
    let run = try start(adoption.form, maker, orphan, adoption.variables)
    let pid = pid_t(try run.line("orphan").number("pid"))
    try run.wait(for: "its parent to end") { Proc.parent(of: pid) != nil && Proc.children(of: run.pid).count > 0 }
    try run.wait(for: "the shell to end") {
      Proc.parent(of: pid).map { $0 == run.pid || Proc.parent(of: $0) != (try? run.command()) } ?? false
    }
    #expect((Proc.parent(of: pid) == run.pid) == adoption.isSubreaper, "\(run)")
    kill(pid, SIGKILL)
    try run.stop(.code(128 + SIGTERM))
    #expect(run.err.text.contains("zombie reaping won't work") == adoption.warns, "\(run)")
  }

  @Test(arguments: Init.both("tini"))
  func `tini -w prints a line for each reaped orphan unless TINI_VERBOSITY is 0`(tini: Init) throws {
    let script = "sh -c 'sleep 0.1 & echo orphan pid=$!'; sleep 1"
    for (variables, speaks) in [([:], true), (["TINI_VERBOSITY": "0"], false)] as [([String: String], Bool)] {
      let run = try tini.start(["-s", "-w", "--", "sh", "-c", script], variables)
      let pid = try run.line("orphan").number("pid")
      try run.expect(.code(0))
      try run.readToEnd()
      #expect(run.err.text.contains("Reaped zombie process with pid=\(pid)") == speaks, "\(run)")
    }
  }

  @Test(arguments: Init.both("tini"))
  func `tini signals the process group if TINI_KILL_PROCESS_GROUP is set, even if empty`(tini: Init) throws {
    let run = try tini.start(
      ["-s"] + ["--"] + testApp("signals", "--with-child"), ["TINI_KILL_PROCESS_GROUP": ""])
    try run.line("child ready")
    try run.send(.sighup)
    try run.wait(for: "both") {
      run.out.lines.contains("got HUP") && run.out.lines.contains("child got HUP")
    }
  }

  @Test(arguments: Init.both("tini"))
  func `tini -p forwards its signal when tini's parent dies`(tini: Init) throws {
    let name = try tini.command(["-s", "-p", "SIGUSR1", "--"] + testApp("signals"))
    let run = try Run.program(testApp("parent", "--") + name, LaunchOptions.withTraffic)
    let ready = try run.line("ready")
    try run.wait(for: "tini") { Proc.children(of: run.pid).count == 1 }
    kill(run.pid, SIGKILL)
    try run.line("got USR1")
    kill(pid_t(try ready.number("ppid")), SIGTERM)
    try run.line("got TERM")
  }
}
