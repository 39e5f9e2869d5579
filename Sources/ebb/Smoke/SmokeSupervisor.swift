import CPlatform
import Platform
import Primitives
import Supervision

/// The supervisor that a smoke run starts: this very program, as production would start it.
final class SmokeSupervisor {
  let pid: Int32
  /// Readable when `look` has something to see.
  let signals: Int32
  private(set) var end: (status: ExitStatus, at: Instant)?
  private let report: ReportFile
  private var childrenRemain = true

  /// Starts it: `options` are the words of its options, `health` the address to use in place of the one there, `command`
  /// the command and its arguments.
  init(
    options: [UnsafeMutablePointer<CChar>?], health: HealthAddress?, command: CStrings, environment: CStrings?,
    _ inherited: InheritedState
  ) throws(CommandError) {
    do throws(Errno) {
      report = try ReportFile()
      signals = try openSignalDescriptor(SignalSet([.sigchld, .sigterm, .sigint, .sigquit, .sighup]))
      // What falls off the supervisor, should that be killed, becomes a child of this process and is killed too.
      if getpid() != 1 { try becomeSubreaper() }
    } catch {
      throw CommandError(message: "cannot watch the supervisor: \(error.description)")
    }
    // In front of what the user asks for, which counts more: should this process be killed, the run ends all the same.
    // Behind it, which counts in any case: the report.
    var arguments: [UnsafeMutablePointer<CChar>?] = []
    func add(_ word: UnsafeMutablePointer<CChar>?) { arguments.append(word) }
    add(strdup("--parent-death-signal=TERM"))
    for option in options { add(option) }
    if let health { add(strdup("--health=\(health.optionText)")) }
    add(strdup("--termination-log=\(report.path)"))
    add(strdup("--"))
    var next = 0
    while let word = command[next] {
      add(word)
      next += 1
    }
    let ignoresChildSignal = isIgnored(.sigchld)
    if ignoresChildSignal { setDefaultAction(.sigchld) }
    do throws(SpawnFailure) {
      pid = try spawnSelf(
        arguments, environment: environment,
        SpawnSettings(
          blockedSignals: inherited.blockedSignals, ignoresChildSignal: ignoresChildSignal, newSession: false,
          terminal: nil))
    } catch {
      throw CommandError(message: error.message)
    }
  }

  /// Takes in what has become of the supervisor. Returns the signal by which somebody wants an end.
  func poll() -> Signal? {
    let came = (try? takeSignals(from: signals)) ?? []
    reap()
    return came.first { $0 != .sigchld }
  }

  private func reap() {
    while true {
      switch nextChildEvent() {
      case .ended(pid, let status): end = (status, monotonicTime())
      case .ended, .stopped: continue
      case .nothing: return
      case .noChildren:
        childrenRemain = false
        return
      }
    }
  }

  /// The final report, once the supervisor has ended.
  func readReport() -> [UInt8] { report.read() }

  /// Ends all that has been started and is still there, and waits for it, but for what no SIGKILL ends.
  func killAll() {
    let limit = monotonicTime() + .seconds(1)
    reap()
    while childrenRemain, monotonicTime() < limit {
      // The children first: a process that loses its parent becomes one, and on a busy machine a look at every process may
      // never come to the end. Then all that a short look finds, for those whose parent does not die.
      do throws(Errno) {
        try signalChildren(.sigkill)
      } catch {
        if end == nil { try? sendSignal(.sigkill, to: .process(pid)) }
      }
      try? signalDescendants(.sigkill, within: .milliseconds(20))
      _ = waitUntilReadable(signals, milliseconds: 5)
      _ = try? takeSignals(from: signals)
      reap()
    }
  }
}
