import Primitives
import Supervision

/// The other descendants, and what ebb has done to each. The first is in the command's process group, the second in a
/// separate one, and the third was ebb's child before the command exited.
struct Others {
  private var processes = [
    Process(pid: 21, group: commandPid), Process(pid: 22, group: 22), Process(pid: 23, group: 23, isChild: true),
  ]
  private var lastPid: Int32 = 23
  private var parents = Parents.unknown
  /// ebb has requested a search for its children, or for the members of the command's group.
  var isLookedFor = false
  var isGroupLookedFor = false
  /// The processes that ebb wants to check for listening sockets.
  var asked: [Int32]?

  static let commandPid: Int32 = 7

  private struct Process {
    let pid: Int32
    let group: Int32
    var isChild = false
    /// It was ebb's child when the stop signal was forwarded.
    var wasAdopted = false
    var listens = false
    /// How many stop signals ebb has sent it.
    var signals = 0
    /// When it may be signalled; `nil` until ebb has found it as a leftover.
    var rule: Rule?
  }

  private enum Rule {
    case hadSignal
    case atOnce(time: TimeAmount)
    case trusted(since: Instant, time: TimeAmount)
  }

  private enum Parents { case unknown, silent, mayHavePassedOn }

  init(none: Bool = false) { if none { processes = [] } }

  var isEmpty: Bool { processes.isEmpty }

  /// The members of the command's group.
  var members: [Int32] {
    [Others.commandPid] + processes.filter { $0.group == Others.commandPid }.map { $0.pid }
  }

  var children: [ChildProcess] { processes.filter { $0.isChild }.map { ChildProcess(pid: $0.pid, group: $0.group) } }

  // MARK: Events

  mutating func commandEnded(_ status: ExitStatus, wasForwarded: Bool) {
    for index in processes.indices { processes[index].isChild = true }
    parents = wasForwarded && status.isExit ? .mayHavePassedOn : .silent
  }

  /// Ends the first child of ebb and returns its pid; `nil` if ebb has no child. `leavesAnother`: it leaves a child in its
  /// group.
  mutating func firstChildEnds(_ status: ExitStatus, leavesAnother: Bool, wasForwarded: Bool) -> Int32? {
    guard let index = processes.firstIndex(where: { $0.isChild }) else { return nil }
    let ended = processes.remove(at: index)
    if wasForwarded && status.isExit { parents = .mayHavePassedOn } else if parents == .unknown { parents = .silent }
    if leavesAnother {
      lastPid += 1
      processes.append(Process(pid: lastPid, group: ended.group, isChild: true))
    }
    return ended.pid
  }

  /// Lets all processes listen. Returns whether that changes anything.
  mutating func listen() -> Bool {
    guard processes.contains(where: { !$0.listens }) else { return false }
    for index in processes.indices { processes[index].listens = true }
    return true
  }

  /// The requested processes that listen; `nil` without a request.
  mutating func takeListening() -> [Int32]? {
    guard let asked else { return nil }
    self.asked = nil
    return processes.filter { $0.listens && asked.contains($0.pid) }.map { $0.pid }
  }

  // MARK: What ebb has found

  mutating func rememberAdopted() {
    for index in processes.indices where processes[index].isChild { processes[index].wasAdopted = true }
  }

  /// ebb finds its children after the command has exited.
  mutating func meet(at now: Instant, deadline: Instant, wasForwarded: Bool) {
    let time = max(.zero, deadline - now)
    for index in processes.indices where processes[index].isChild && processes[index].rule == nil {
      let process = processes[index]
      if process.signals > 0 {
        processes[index].rule = .hadSignal
      } else if !wasForwarded || process.wasAdopted || parents == .silent {
        processes[index].rule = .atOnce(time: time)
      } else {
        processes[index].rule = .trusted(since: now, time: time)
      }
    }
    parents = .unknown
  }

  // MARK: Signals

  /// Sends the stop signal to one of them. Returns what is wrong; empty if nothing is.
  mutating func signal(_ pid: Int32, at now: Instant) -> String {
    guard let index = processes.firstIndex(where: { $0.pid == pid && $0.isChild }) else {
      return "a signal to a process that is not a child"
    }
    processes[index].signals += 1
    if processes[index].signals > 1 { return "the stop signal twice to a leftover" }
    switch processes[index].rule {
    case nil: return "a signal to a process that ebb has not found"
    case .hadSignal: return "the stop signal to a leftover that got it before"
    case .atOnce: return ""
    case .trusted(let since, let time):
      let wait = processes[index].listens ? min(.seconds(2), time / 4) : time / 2
      return now >= since + wait ? "" : "a leftover is not trusted for long enough"
    }
  }

  /// Sends the stop signal to the command's group. Returns what is wrong; empty if nothing is.
  mutating func signalGroup() -> String {
    for index in processes.indices where processes[index].group == Others.commandPid { processes[index].signals += 1 }
    return processes.contains { $0.signals > 1 } ? "the stop signal twice to one of the group" : ""
  }

  var allSilentOnesSignalled: Bool {
    processes.allSatisfy { if case .atOnce = $0.rule { $0.signals == 1 } else { true } }
  }

  /// Whether each got the stop signal that had time for it.
  var allSignalledInTime: Bool {
    processes.allSatisfy { process in
      switch process.rule {
      case nil, .hadSignal: true
      case .atOnce(let time), .trusted(_, let time): process.signals == 1 || time == .zero
      }
    }
  }
}

extension ExitStatus {
  fileprivate var isExit: Bool { if case .exited = self { true } else { false } }
}
