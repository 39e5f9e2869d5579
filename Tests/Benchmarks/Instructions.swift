import Glibc
import TestSupport

// User instructions of ebb and tini, counted by valgrind's callgrind. The count hardly varies, even on a busy machine,
// so it shows what times do not: a change of 0.1 %.

private let valgrind = "/usr/bin/valgrind"

/// The bars for ebb, some percent above its user instructions: a run of `/bin/true`, a forwarded signal, an orphan.
private let bars = (run: 170_000.0, signal: 1100.0, orphan: 1200.0)

/// Measures the user instructions of a run, a signal and an orphan.
func measureInstructions(_ bench: Bench) throws(Failure) {
  guard access(valgrind, X_OK) == 0 else {
    return bench.report.note("left out: user instructions: there is no \(valgrind) (Debian package valgrind)")
  }
  guard geteuid() == 0 else {
    return bench.report.note("left out: user instructions: they take namespaces of their own, and so root")
  }
  var runs: [String: Double] = [:]
  var signals: [String: Double] = [:]
  var orphans: [String: Double] = [:]
  for program in bench.programs where ["ebb", "tini"].contains(program.name) {
    runs[program.name] = try count(program, bench, ["/bin/true"]) { words throws(Failure) in
      let ending = finish(try Launch(words).start())
      guard ending == .code(0) else { throw Failure("valgrind \(program.name) -- /bin/true: \(ending)") }
    }
    signals[program.name] = try difference(program, bench, ["stamp"], 100, 1100) { session, pid throws(Failure) in
      kill(pid, SIGUSR1)
      _ = try session.receive()
    }
    // One by one, so that each has its own SIGCHLD.
    orphans[program.name] = try difference(program, bench, ["orphans", "apart", "1"], 20, 220) {
      session, pid throws(Failure) in
      session.ask()
      _ = try session.receive()
      try waitUntilReaped(pid, program)
    }
  }
  for (title, values, bar) in [
    ("user instructions of `/bin/true`, start to finish", runs, bars.run),
    ("user instructions of a forwarded signal", signals, bars.signal),
    ("user instructions of an orphan", orphans, bars.orphan),
  ] {
    bench.report.add(Row(title, .instructions, values))
    let ebb = values["ebb"] ?? .infinity
    bench.report.judge(
      "\(title), at most \(Unit.instructions.text(bar))", measured: Unit.instructions.text(ebb), ebb <= bar)
  }
}

/// Returns the cost of one more piece of work: the difference of `many` and `few`, without start and end.
private func difference(
  _ program: Program, _ bench: Bench, _ command: [String], _ few: Int, _ many: Int,
  _ work: (Session, pid_t) throws(Failure) -> Void
) throws(Failure) -> Double {
  func total(_ pieces: Int) throws(Failure) -> Double {
    try count(program, bench, benchmarkCommand(command)) { words throws(Failure) in
      let session = try Session(words)
      guard let pid = Proc.children(of: session.pid).first else { throw Failure("unshare has no child") }
      try waitForTheFirstLook(pid)
      for _ in 0..<pieces { try work(session, pid) }
      let ending = session.end()
      guard ending == .code(0) else { throw Failure("valgrind \(program.name): \(ending)") }
    }
  }
  return (try total(many) - total(few)) / Double(many - few)
}

/// ebb checks its command once, a second after the start. Each counted run must include that.
private func waitForTheFirstLook(_ pid: pid_t) throws(Failure) {
  sleep(nanoseconds: 2_000_000_000)
  var time = try processorTime(of: pid)
  while true {
    sleep(nanoseconds: 300_000_000)
    let later = try processorTime(of: pid)
    if later == time { return }
    time = later
  }
}

/// Counts while `body` runs the given arguments, in separate namespaces (no other process or socket is read), without
/// environment.
private func count(
  _ program: Program, _ bench: Bench, _ command: [String], _ body: ([String]) throws(Failure) -> Void
) throws(Failure) -> Double {
  let log = bench.options.folder + "/callgrind.log"
  unlink(log)
  let namespaces = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--net"]
  let counted = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=\(log)"]
  try body(["/usr/bin/env", "-i"] + namespaces + counted + program.running(command))
  let lines = try readFile(log).split(separator: "\n")
  guard let line = lines.last(where: { $0.contains("Collected : ") }),
    let number = line.split(separator: " ").last.flatMap({ Double($0) })
  else { throw Failure("valgrind printed no count: \(lines.last ?? "")") }
  return number
}
