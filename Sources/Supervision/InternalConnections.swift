/// Which connections have both ends in the command's process tree, as those of a worker beside its queue, or of a proxy
/// before its app. They bring nothing from outside, and a drain that waits for them waits for the command itself.
///
/// What has been found out is kept by the cookie of the command's end. The memory is bounded: a connection that finds no
/// room counts.
public struct InternalConnections: Sendable {
  /// Rows of this pass that do not count yet, since somebody has to look for their other end.
  public private(set) var held: [Held] = []
  /// Connections that were counted in an earlier pass and have turned out to be internal.
  public private(set) var countedBefore = 0

  private var known = Ordered<UInt64>()
  /// Of those, in the same order.
  private var facts: [Facts] = []
  private let capacity: Int
  private let mostHeld: Int

  /// A connection and what is known of its other end.
  public struct Held: Sendable {
    /// The command's end.
    public let row: SocketRow
    /// The other end; nil: not found.
    public var otherEnd: SocketRow?
  }

  private enum Verdict {
    /// Nothing is known, and it has not been counted.
    case new
    /// Nothing is known, and it has been counted.
    case counted
    case external
    case inside
  }

  private struct Facts {
    var verdict: Verdict
    /// By this pass.
    var isSeen = true
  }

  /// `capacity`: connections that are remembered. `mostHeld`: of them, in a pass.
  public init(capacity: Int = 4096, mostHeld: Int = 512) {
    (self.capacity, self.mostHeld) = (capacity, mostHeld)
  }

  /// Another pass begins. Makes room where that is short: connections that the last pass has not seen are forgotten.
  /// The end of a forgotten one counts.
  public mutating func beginPass() {
    held = []
    if facts.count > capacity - mostHeld {
      let seen = facts.indices.filter { facts[$0].isSeen }
      known = Ordered(seen.map { known.elements[$0] })
      facts = seen.map { facts[$0] }
    }
    for index in facts.indices { facts[index].isSeen = false }
  }

  /// The rows until here do not count.
  public mutating func beginAnew() { held = [] }

  /// Takes in a row. Returns whether it counts now; one that does not is held or internal.
  public mutating func counts(_ row: SocketRow) -> Bool {
    guard row.hasLocalPeer, row.cookie != 0 else { return true }
    let index = known.index(of: row.cookie)
    if let index {
      facts[index].isSeen = true
      switch facts[index].verdict {
      case .inside: return false
      case .external: return true
      case .new, .counted: break
      }
    }
    // Before it is accepted no process has it.
    let mayHold = row.inode != 0 && held.count < mostHeld
    guard mayHold || row.state == TCPState.established.rawValue, index != nil || facts.count < capacity else {
      return true
    }
    let verdict = mayHold ? Verdict.new : .counted
    if let index {
      if !mayHold { facts[index].verdict = verdict }
    } else {
      facts.insert(Facts(verdict: verdict), at: known.insert(row.cookie))
    }
    if mayHold { held.append(Held(row: row)) }
    return !mayHold
  }

  /// Takes in the other end of a held row; nil where there is none.
  public mutating func add(otherEnd: SocketRow?, ofHeld index: Int) {
    held[index].otherEnd = otherEnd.flatMap { $0.isOtherEnd(of: held[index].row) ? $0 : nil }
  }

  /// The sockets whose processes decide: both ends of each held row.
  public var inodes: [UInt64] {
    held.flatMap { held in held.otherEnd.map { [held.row.inode, $0.inode] } ?? [] }.filter { $0 != 0 }
  }

  /// Decides about the held rows and hands out those that count. `findings`: of a look at the descriptors of the
  /// command's processes; nil where that was not possible. `controlGroup`: this process's, nil where that tells nothing.
  public mutating func conclude(
    _ findings: KnownListeners.Findings?, controlGroup: UInt64?, count: (Connection) -> Void
  ) {
    for held in held {
      guard let index = known.index(of: held.row.cookie) else { continue }
      let verdict = verdict(held, findings, controlGroup) ?? .counted
      if verdict == .inside, facts[index].verdict == .counted { countedBefore += 1 }
      facts[index].verdict = verdict
      if verdict != .inside, let connection = held.row.connection { count(connection) }
    }
    held = []
  }

  /// Whether the socket with this cookie is the command's end of an internal connection.
  public func isInternal(cookie: UInt64) -> Bool {
    known.index(of: cookie).map { facts[$0].verdict == .inside } ?? false
  }

  /// Nil: not known yet. Where the processes cannot all be looked into, as by root without CAP_SYS_PTRACE, the control
  /// group stands for the tree, as it does for listening sockets.
  private func verdict(_ held: Held, _ findings: KnownListeners.Findings?, _ controlGroup: UInt64?) -> Verdict? {
    guard let findings else { return nil }
    // Without a process, an end has been closed: the connection is at its end too.
    guard let other = held.otherEnd, other.inode != 0 else { return .external }
    let areMatched = findings.matched.contains(held.row.inode) && findings.matched.contains(other.inode)
    if areMatched { return .inside }
    if !findings.isComplete, let controlGroup {
      return held.row.controlGroup == controlGroup && other.controlGroup == controlGroup ? .inside : .external
    }
    return findings.isComplete && findings.isSteady ? .external : nil
  }
}
