import CPlatform
import Platform
import Primitives
import Supervision

/// The command and ebb's other descendants: the receivers of signals.
final class Family {
  let commandPid: Int32
  private let journal: Journal
  private var hasWarnedOfProc = false
  /// Called when a signal to the command fails because it belongs to another user.
  var commandIsOutOfReach: () -> Void = {}

  init(commandPid: Int32, _ journal: Journal) { (self.commandPid, self.journal) = (commandPid, journal) }

  /// Returns whether it was sent.
  @discardableResult
  func send(_ signal: Signal, to target: SignalTarget) -> Bool {
    switch target {
    case .command: send(signal, to: ResolvedSignalTarget.process(commandPid))
    case .commandGroup: send(signal, to: ResolvedSignalTarget.group(commandPid))
    case .child(let pid): send(signal, to: ResolvedSignalTarget.process(pid))
    }
  }

  @discardableResult
  func send(_ signal: Signal, to target: ResolvedSignalTarget) -> Bool {
    do throws(Errno) {
      try sendSignal(signal, to: target)
      return true
    } catch {
      guard error.code != ESRCH else { return false }
      if error.code == EPERM, target.isCommand(commandPid) {
        commandIsOutOfReach()
        return false
      }
      journal.warn("signal-failed", "cannot send SIG\(signal.name) to \(target.text): \(error.description)")
      return false
    }
  }

  /// Sends a signal to each, and SIGCONT so that it can act on the signal. Returns how many received it.
  func signalLeftovers(_ signal: Signal, _ targets: [SignalTarget]) -> Int {
    var count = 0
    for target in targets where send(signal, to: target) {
      send(.sigcont, to: target)
      count += 1
    }
    return count
  }

  func killDescendants(within limit: TimeAmount) {
    do throws(Errno) {
      try signalDescendants(.sigkill, within: limit)
    } catch {
      send(.sigkill, to: .group(commandPid))
      warnOfProc(error)
    }
  }

  func killChildren() -> [Int32] {
    do throws(Errno) {
      return try signalChildren(.sigkill)
    } catch {
      killDescendants(within: .milliseconds(20))
      return []
    }
  }

  /// Returns the children without the command; `nil` if they are unknown.
  func children() -> [ChildProcess]? {
    do throws(Errno) {
      return try readOwnChildren().filter { $0.pid != commandPid }
    } catch {
      warnOfProc(error)
      return nil
    }
  }

  private func warnOfProc(_ error: Errno) {
    guard !hasWarnedOfProc else { return }
    hasWarnedOfProc = true
    let problem = error.code == ENOENT ? "/proc is not mounted here" : "cannot read /proc: \(error.description)"
    journal.warn(
      "no-proc",
      "\(problem): signalling leftover processes only in the command's process group")
  }
}
