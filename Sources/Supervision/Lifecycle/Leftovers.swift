import Primitives

/// The processes that the command left behind when it exited. ebb only signals the heads, the descendants that became
/// its own children. A head stops the processes below it, like the master of a pool stops its workers.
struct Leftovers: Sendable {
  /// The moment of SIGKILL. In a stop, the stop's own deadline may be earlier.
  let killAt: Instant
  /// The next moment to scan for new heads, to check whether one listens, or to signal one.
  private(set) var wakeUp: Instant
  /// Sorted by PID; the process group comes first.
  private var heads: [Head] = []
  private(set) var hasHeads = false
  /// A check of which heads listen is in progress.
  private var isChecking = false
  private var lookAt: Instant
  private var lookedAt: Instant?
  private var parents: Parents

  /// What is known about the parents of new heads, the processes that were reaped since the last scan.
  private enum Parents {
    case unknown
    /// None of them can have passed the stop signal on.
    case silent
    /// At least one may have passed the stop signal on.
    case mayHavePassedOn
  }

  /// A process to stop.
  private struct Head {
    let pid: Int32
    /// `nil` if the head has received the stop signal or must not receive it.
    var signalAt: Instant?
    /// When to check whether the head still listens, which shows that its parent did not pass the signal on.
    var checkAt: Instant?
  }

  /// Represents the command's whole process group if /proc does not provide the children.
  private static let group: Int32 = 0
  /// A new head whose parent was not a child of ebb appears without an event.
  private static let scanInterval = TimeAmount.seconds(1)
  /// Thousands of processes may die in a row.
  private static let scanIntervalAfterExit = TimeAmount.milliseconds(20)
  /// The maximum number of heads in one check of listeners.
  private static let maxChecked = 16

  /// `mayHavePassedOn`: the command may have passed the stop signal on before it exited.
  init(killAt: Instant, mayHavePassedOn: Bool, at now: Instant) {
    (self.killAt, lookAt, wakeUp) = (killAt, now, now)
    parents = mayHavePassedOn ? .mayHavePassedOn : .silent
  }

  /// Removes a reaped child, whose PID is free now. Its children may have become ebb's.
  mutating func reaped(_ pid: Int32, mayHavePassedOn: Bool, at now: Instant) {
    if mayHavePassedOn { parents = .mayHavePassedOn } else if parents == .unknown { parents = .silent }
    let place = place(of: pid)
    if place < heads.count, heads[place].pid == pid { heads.remove(at: place) }
    lookSoon(at: now)
  }

  /// Brings the next scan forward, because the parent of a new head may have ended.
  mutating func lookSoon(at now: Instant) {
    lookAt = min(lookAt, max(now, (lookedAt ?? now) + Leftovers.scanIntervalAfterExit))
    wakeUp = min(wakeUp, lookAt)
  }

  /// Returns whether a scan for new heads is due, and schedules the next one.
  mutating func takeLook(at now: Instant) -> Bool {
    guard lookAt <= now else { return false }
    (lookAt, lookedAt) = (now + Leftovers.scanInterval, now)
    planWakeUp()
    return true
  }

  /// The processes to which ebb sent the stop signal together with the command.
  enum Signalled {
    case none
    case members(SortedSet<Int32>)
    /// The members of a process group at that moment, which are unknown.
    case group(Int32)

    fileprivate func includes(_ child: ChildProcess) -> Bool {
      switch self {
      case .none: false
      case .members(let pids): pids.contains(child.pid)
      case .group(let group): child.group == group || child.pid == Leftovers.group
      }
    }
  }

  /// Adds ebb's children, sorted by PID; if `nil`, they are unknown and the group is the only head. `untold` are the
  /// children that cannot have received the stop signal from a parent; `nil` for all.
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

  /// Returns the heads that are due for the stop signal, each only once.
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

  /// Returns the heads that are due for a check whether they listen.
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

  /// Makes the checked heads that still listen due, because no signal of a parent reached them.
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

  /// Returns the index of the first head whose PID is not smaller.
  private func place(of pid: Int32) -> Int { heads.partitioningIndex { $0.pid >= pid } }
}
