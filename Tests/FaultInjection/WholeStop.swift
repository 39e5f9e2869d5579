import Glibc
import TestSupport

/// Stops of ebb around an HTTP server under constant load, in some environment.
struct WholeStops {
  private let options: Options
  private(set) var tried = 0
  private(set) var lost = 0
  private(set) var answers = 0
  private(set) var firstProblem: String?

  init(_ options: Options) { self.options = options }

  private static let ebbOptions = [
    "--delay", "400ms", "--drain-quiet", "200ms", "--drain-timeout", "1s", "-t", "10s", "--",
  ]

  /// Does one stop. `launcher`: arguments before ebb. `ownNamespace`: ebb is the child of the launcher.
  mutating func stop(_ launcher: [String], ownNamespace: Bool = false) throws(Failure) {
    tried += 1
    let words = launcher + [options.ebb] + WholeStops.ebbOptions + [options.testApp, "serve", "0"]
    let run = try SupervisedProcess(words)
    guard let port = UInt16(try run.line("listening").split(separator: " ")[1].dropFirst(5)) else {
      throw Failure("the server has no port")
    }
    let ebb = ownNamespace ? try SupervisedProcess.child(of: run.process.pid) : run.process.pid
    guard get("/", port: port) == 200 else { return lose("no answer before the stop") }
    let sent = now()
    kill(ebb, SIGTERM)
    while now() - sent < 380_000_000 {
      guard get("/", port: port) == 200 || now() - sent >= 400_000_000 else { return lose("no answer in the delay") }
      answers += 1
    }
    guard let ending = run.process.ending(within: 9000) else { return lose("it outlives the deadline") }
    let passed = now() - sent
    guard ending == .code(0), passed >= 400_000_000 else { return lose("\(ending) after \(passed / 1_000_000) ms") }
    guard run.moreLines(within: 1000).contains("served") else { return lose("the server did not get the stop signal") }
  }

  private mutating func lose(_ problem: String) {
    lost += 1
    firstProblem = firstProblem ?? problem
  }

  /// Returns one row for all stops.
  func finding(_ title: String, _ measured: String = "", reached: Bool = true) -> FaultResult {
    let fields = [firstProblem, "\(answers) requests answered in the delays", measured.isEmpty ? nil : measured]
    return FaultResult(
      title, tried: tried, lost: lost, measured: fields.compactMap { $0 }.joined(separator: ", "),
      bar: "every stop as usual", reached: reached)
  }
}

/// A strict seccomp profile refuses netlink, so connections must be counted in another way.
func stopsWithoutNetlink(_ options: Options) throws(Failure) -> FaultResult {
  var stops = WholeStops(options)
  for _ in 0..<options.times(50, quick: 3) { try stops.stop([options.testApp, "launch", "--no-netlink", "--"]) }
  return stops.finding("stop with netlink refused by seccomp")
}

/// Process 1 of a container without a mounted /proc.
func stopsWithoutProc(_ options: Options) throws(Failure) -> FaultResult {
  var stops = WholeStops(options)
  let launcher = [options.testApp, "launch", "--pid-namespace-without-proc", "--"]
  for _ in 0..<options.times(50, quick: 3) { try stops.stop(launcher, ownNamespace: true) }
  return stops.finding("stop without /proc")
}

/// ebb, the command, its connections and the pages of their files share 8 MB.
func stopsWithLittleMemory(_ options: Options) throws(Failure) -> FaultResult {
  let group = try MemoryGroup(limit: 8 << 20)
  var stops = WholeStops(options)
  for _ in 0..<options.times(50, quick: 3) { try stops.stop(group.launcher) }
  let kills = try group.kills()
  return stops.finding(
    "stop with a memory limit of 8 MB", "peak usage \(try group.peak() >> 10) kB, \(kills) out-of-memory kills",
    reached: kills == 0)
}
