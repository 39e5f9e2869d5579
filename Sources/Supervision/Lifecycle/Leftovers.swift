import Primitives

/// What the command left behind when it ended. ebb signals the heads: those descendants that became its own children. What
/// is below a head is for that head to stop, as the workers of a pool are for their master.
struct Leftovers: Sendable {
  /// When SIGKILL comes. In a stop the stop's own deadline may be earlier.
  let killAt: Instant
  /// When there is something to do: a look for new heads, a look at whether one listens, or the signal for one.
  private(set) var wakeUp: Instant
  /// By pid, the group first.
  private var heads: [Head] = []
  /// At least one has been found.
  private(set) var hasHeads = false
  /// ebb is finding out which of some heads listen.
  private var isChecking = false
  private var lookAt: Instant
  private var lookedAt: Instant?
  private var parents: Parents

  /// The parents of new heads: those processes that were reaped since the last look, as far as is known.
  private enum Parents {
    case unknown
    /// None of them has passed a signal on.
    case silent
    /// At least one may have passed the stop signal on.
    case mayHavePassedOn
  }

  /// A process that has to be stopped.
  private struct Head {
    let pid: Int32
    /// Nil: it has had the stop signal, or must not get it.
    var signalAt: Instant?
    /// When to look whether it still listens: then its parent has not passed the signal on.
    var checkAt: Instant?
  }

  /// Where /proc does not tell the children, the command's process group stands for all of them.
  private static let group: Int32 = 0
  /// A new head whose parent was no child of ebb comes unannounced.
  private static let scanInterval = TimeAmount.seconds(1)
  /// Thousands of processes may die in a row.
  private static let scanIntervalAfterExit = TimeAmount.milliseconds(20)
  /// So many are looked at together whether they listen.
  private static let maxChecked = 16

  /// `mayHavePassedOn`: the command, the stop signal, before it ended.
  init(killAt: Instant, mayHavePassedOn: Bool, at now: Instant) {
    (self.killAt, lookAt, wakeUp) = (killAt, now, now)
    parents = mayHavePassedOn ? .mayHavePassedOn : .silent
  }

  /// A child of ebb has been reaped: its pid is free, and its children may be ebb's now.
  mutating func reaped(_ pid: Int32, mayHavePassedOn: Bool, at now: Instant) {
    if mayHavePassedOn { parents = .mayHavePassedOn } else if parents == .unknown { parents = .silent }
    let place = place(of: pid)
    if place < heads.count, heads[place].pid == pid { heads.remove(at: place) }
    lookSoon(at: now)
  }

  /// Something ended that may have been the parent of a new head.
  mutating func lookSoon(at now: Instant) {
    lookAt = min(lookAt, max(now, (lookedAt ?? now) + Leftovers.scanIntervalAfterExit))
    wakeUp = min(wakeUp, lookAt)
  }

  /// Whether a look for new heads is due.
  mutating func takeLook(at now: Instant) -> Bool {
    guard lookAt <= now else { return false }
    (lookAt, lookedAt) = (now + Leftovers.scanInterval, now)
    planWakeUp()
    return true
  }

  /// Which processes have had the stop signal from ebb together with the command.
  enum Signalled {
    case none
    case members(SortedSet<Int32>)
    /// Those of a process group, whose members at that moment are not known.
    case group(Int32)

    fileprivate func includes(_ child: ChildProcess) -> Bool {
      switch self {
      case .none: false
      case .members(let pids): pids.contains(child.pid)
      case .group(let group): child.group == group || child.pid == Leftovers.group
      }
    }
  }

  /// Takes in ebb's children, by pid; nil: they are not known, and the group is the only head. `untold`: those that cannot
  /// have had the stop signal from a parent; nil: all of them.
  mutating func add(
    _ children: [ChildProcess]?, signalled: Signalled, untold: SortedSet<Int32>?, deadline: Instant, at now: Instant
  ) {
    for child in children ?? [ChildProcess(pid: Leftovers.group, group: Leftovers.group)] {
      hasHeads = true
      let place = place(of: child.pid)
      if place < heads.count, heads[place].pid == child.pid { continue }
      var head = Head(pid: child.pid)
      if !signalled.includes(child) {
        let left = max(.zero, deadline - now)
        let isAtOnce = parents == .silent || untold?.contains(child.pid) != false
        head.signalAt = isAtOnce ? now : now + left / 2
        if !isAtOnce, child.pid != Leftovers.group { head.checkAt = now + min(.seconds(2), left / 4) }
      }
      heads.insert(head, at: place)
    }
    parents = .unknown
    planWakeUp()
  }

  /// Those that are to get the stop signal now, each once.
  mutating func takeDue(at now: Instant) -> [SignalTarget] {
    var due: [SignalTarget] = []
    for index in heads.indices {
      guard let signalAt = heads[index].signalAt, signalAt <= now else { continue }
      (heads[index].signalAt, heads[index].checkAt) = (nil, nil)
      due.append(heads[index].pid == Leftovers.group ? .commandGroup : .child(heads[index].pid))
    }
    planWakeUp()
    return due
  }

  /// Those of which it is to be found out now whether they listen.
  mutating func takeUnchecked(at now: Instant) -> [Int32] {
    guard !isChecking else { return [] }
    var pids: [Int32] = []
    for index in heads.indices where pids.count < Leftovers.maxChecked {
      guard let checkAt = heads[index].checkAt, checkAt <= now else { continue }
      heads[index].checkAt = nil
      pids.append(heads[index].pid)
    }
    isChecking = !pids.isEmpty
    planWakeUp()
    return pids
  }

  /// Of those that were looked at these still listen: what a parent may have passed on did not reach them.
  mutating func signal(_ pids: [Int32], at now: Instant) {
    isChecking = false
    for index in heads.indices where heads[index].signalAt != nil && pids.contains(heads[index].pid) {
      heads[index].signalAt = now
    }
    planWakeUp()
  }

  private mutating func planWakeUp() {
    wakeUp = lookAt
    for head in heads {
      for moment in [head.signalAt, isChecking ? nil : head.checkAt] {
        if let moment { wakeUp = min(wakeUp, moment) }
      }
    }
  }

  /// Where the first one stands whose pid is not smaller.
  private func place(of pid: Int32) -> Int {
    var (low, high) = (0, heads.count)
    while low < high {
      let middle = (low + high) / 2
      if heads[middle].pid < pid { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
