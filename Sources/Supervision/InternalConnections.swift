/// Which connections have both ends in the command's process tree, as those of a worker beside its queue, or of a proxy
/// before its app. They bring nothing from outside, and a drain that waits for them waits for the command itself.
///
/// What has been found out is kept by the cookie of the command's end. The memory is bounded: a connection that finds no
/// room counts.
public struct InternalConnections: Sendable {
  /// Rows of this pass that do not count yet, since their other ends have to be looked for.
  public private(set) var held: [Held] = []
  /// Connections that were counted in an earlier pass and have turned out to be internal.
  public private(set) var countedBefore = 0

  /// A cookie above four bits: whether this pass has seen it, and the verdict. One array of words instead of two of
  /// structs is a kilobyte less code.
  private var known = Ordered<UInt64>()
  private let capacity: Int
  private let mostHeld: Int

  /// A connection and what is known of its other end.
  public struct Held: Sendable {
    /// The command's end.
    public let row: SocketRow
    /// Of the other end; 0: no process has it, or there is none. Nil: not known.
    public fileprivate(set) var otherInode: UInt64?
    fileprivate var otherControlGroup: UInt64?
  }

  private enum Verdict: UInt64 {
    /// Nothing is known, and it has not been counted.
    case new
    /// Nothing is known, and it has been counted.
    case counted
    case external
    case inside
  }

  private static let seen: UInt64 = 8

  /// `capacity`: connections that are remembered. `mostHeld`: of them, in a pass.
  public init(capacity: Int = 4096, mostHeld: Int = 512) {
    (self.capacity, self.mostHeld) = (capacity, mostHeld)
  }

  /// Another pass begins. Makes room where that is short: connections that the last pass has not seen are forgotten. The
  /// end of a forgotten one counts.
  public mutating func beginPass() {
    held = []
    if known.elements.count > capacity - mostHeld {
      known = Ordered(known.elements.filter { $0 & InternalConnections.seen != 0 })
    }
    for index in known.elements.indices { known[index] &= ~InternalConnections.seen }
  }

  /// The rows until here do not count.
  public mutating func beginAnew() { held = [] }

  /// Takes in a row. Returns whether it counts now; one that does not is held or internal.
  public mutating func counts(_ row: SocketRow) -> Bool {
    guard row.hasLocalPeer, 1..<(1 << 60) ~= row.cookie else { return true }
    let index = index(of: row.cookie)
    if let index {
      known[index] |= InternalConnections.seen
      switch verdict(at: index) {
      case .inside: return false
      case .external: return true
      case .new, .counted: break
      }
    }
    // Before it is accepted no process has it.
    let mayHold = row.inode != 0 && held.count < mostHeld
    guard mayHold || row.state == TCPState.established.rawValue, index != nil || known.elements.count < capacity
    else { return true }
    if index == nil || !mayHold { set(mayHold ? .new : .counted, of: row.cookie, at: index) }
    if mayHold { held.append(Held(row: row)) }
    return !mayHold
  }

  /// Takes in what was found when the other end of a held row was asked for; nil: nothing.
  public mutating func add(_ found: SocketRow?, ofHeld index: Int) {
    held[index].otherInode = 0
    guard let found, found.isOtherEnd(of: held[index].row) else { return }
    held[index].otherInode = found.inode
    held[index].otherControlGroup = found.controlGroup
  }

  /// Of both ends of each held row whose other end is there: whether a process of the command has them decides.
  public var inodes: [UInt64] {
    var inodes: [UInt64] = []
    for held in held {
      if let other = held.otherInode, other != 0 { inodes += [held.row.inode, other] }
    }
    return inodes
  }

  /// Decides about the held rows and hands out those that count. `findings`: of a look for `inodes` at the descriptors of
  /// the command's processes. `controlGroup`: this process's, nil where that tells nothing.
  public mutating func conclude(
    _ findings: KnownListeners.Findings, controlGroup: UInt64?, count: (Connection) -> Void
  ) {
    for held in held {
      guard let index = index(of: held.row.cookie) else { continue }
      let verdict = verdict(held, findings, controlGroup)
      if verdict == .inside, self.verdict(at: index) == .counted { countedBefore += 1 }
      set(verdict, of: held.row.cookie, at: index)
      if verdict != .inside, let connection = held.row.connection { count(connection) }
    }
    held = []
  }

  /// Whether the socket with this cookie is the command's end of an internal connection.
  public func isInternal(cookie: UInt64) -> Bool {
    index(of: cookie).map { verdict(at: $0) == .inside } ?? false
  }

  /// Where the processes cannot all be looked into, as by root without CAP_SYS_PTRACE, the control group stands for the
  /// tree, as it does for listening sockets.
  private func verdict(
    _ held: Held, _ findings: KnownListeners.Findings, _ controlGroup: UInt64?
  ) -> Verdict {
    guard let other = held.otherInode else { return .counted }
    // Closed already: the connection is at its end too.
    if other == 0 { return .external }
    if findings.matched.contains(held.row.inode), findings.matched.contains(other) { return .inside }
    if !findings.isComplete, let controlGroup {
      let areMates = held.row.controlGroup == controlGroup && held.otherControlGroup == controlGroup
      return areMates ? .inside : .external
    }
    return findings.isComplete && findings.isSteady ? .external : .counted
  }

  private func index(of cookie: UInt64) -> Int? {
    let place = known.place(of: cookie << 4)
    return place < known.elements.count && known.elements[place] >> 4 == cookie ? place : nil
  }

  private func verdict(at index: Int) -> Verdict { Verdict(rawValue: known.elements[index] & 3) ?? .external }

  /// `index`: nil where it is not known yet.
  private mutating func set(_ verdict: Verdict, of cookie: UInt64, at index: Int?) {
    let entry = cookie << 4 | InternalConnections.seen | verdict.rawValue
    if let index { known[index] = entry } else { known.insert(entry) }
  }
}
