import CPlatform
import Platform
import Primitives
import Supervision

/// The supervisor of a smoke run: this same program, started as in production.
final class SmokeSupervisor {
  let pid: Int32
  /// Readable when `poll` has something to report.
  let signals: Int32
  private(set) var end: (status: ExitStatus, at: Instant)?
  private let report: ReportFile
  private var childrenRemain = true

  /// Starts the supervisor. `options`: its options. `health`: replaces the address in them. `command`: the command and
  /// its arguments. Throws if it cannot be started.
  init(
    options: [UnsafeMutablePointer<CChar>?], health: HealthAddress?, command: CStrings, environment: CStrings?,
    _ inherited: InheritedState
  ) throws(CommandError) {
    do throws(Errno) {
      report = try ReportFile()
      signals = try openSignalDescriptor(SignalSet([.sigchld, .sigterm, .sigint, .sigquit, .sighup]))
      // If the supervisor is killed, its descendants become children of this process, which kills them too.
      if getpid() != 1 { try becomeSubreaper() }
    } catch {
      throw CommandError(message: "cannot watch the supervisor: \(error.description)")
    }
    // Before the user's options, so that they can override it: the parent death signal, which ends the run if this
    // process is killed. After them, so that they cannot: the termination log.
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

  /// Reaps children. Returns a received signal that requests the end of the run.
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

  func readReport() -> [UInt8] { report.read() }

  /// Kills and reaps everything that was started, except what SIGKILL does not end.
  func killAll() {
    let limit = monotonicTime() + .seconds(1)
    reap()
    while childrenRemain, monotonicTime() < limit {
      // First the children, because an orphan becomes a child, and on a busy machine a scan of all processes may never
      // finish. Then the result of a short scan, for those whose parent does not die.
      do throws(Errno) {
        try signalChildren(.sigkill)
      } catch {
        if end == nil { try? sendSignal(.sigkill, to: .process(pid)) }
      }
      try? signalDescendants(.sigkill, within: .milliseconds(20))
      _ = waitUntilReadable(signals, within: .milliseconds(5))
      _ = try? takeSignals(from: signals)
      reap()
    }
  }
}
