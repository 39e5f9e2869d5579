/// Which connections have both ends in the command's process tree, as those of a worker beside its queue, or of a proxy
/// before its app. They bring nothing from outside, and a drain that waits for them waits for the command itself.
///
/// What has been found out is kept by the cookie of the command's end, in a table of few kilobytes: a connection that
/// finds no room counts.
public struct InternalConnections: Sendable {
  /// Rows of this pass that do not count yet, since their other ends have to be looked for.
  public private(set) var held: [Held] = []
  /// Connections that were counted in an earlier pass and have turned out to be internal.
  public private(set) var countedBefore = 0

  /// Sets of `ways` entries each, of which an entry belongs to the one that its cookie leads to: a pass over thousands
  /// of connections asks for each, and this takes one line of the processor's cache. Empty before the first local peer.
  ///
  /// An entry is a cookie above four bits: whether this pass has seen it, whether the last one had, and the verdict. 0 is
  /// free.
  private var table: [UInt64] = []
  private let sets: Int
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

  private static let ways = 8
  private static let isSeen: UInt64 = 8
  /// By this pass or the last one.
  private static let anySeen: UInt64 = 12

  /// `sets`: of eight connections, that are remembered. `mostHeld`: connections in a pass.
  public init(sets: Int = 512, mostHeld: Int = 256) {
    (self.sets, self.mostHeld) = (sets, mostHeld)
  }

  /// Another pass begins. Connections that this one and the last one have not seen give way to others; the end of a
  /// forgotten one counts.
  public mutating func beginPass() {
    held = []
    for index in table.indices {
      let entry = table[index]
      table[index] = entry & ~InternalConnections.anySeen | (entry & InternalConnections.isSeen) >> 1
    }
  }

  /// The rows until here do not count.
  public mutating func beginAnew() { held = [] }

  /// Takes in a row. Returns whether it counts now; one that does not is held or internal.
  public mutating func counts(_ row: SocketRow) -> Bool {
    guard row.hasLocalPeer, 1..<(1 << 60) ~= row.cookie else { return true }
    if table.isEmpty { table = [UInt64](repeating: 0, count: sets * InternalConnections.ways) }
    let place = place(of: row.cookie)
    if let place {
      table[place] |= InternalConnections.isSeen
      switch verdict(at: place) {
      case .inside: return false
      case .external: return true
      case .new, .counted: break
      }
    }
    // Before it is accepted no process has it.
    let mayHold = row.inode != 0 && held.count < mostHeld
    guard mayHold || row.state == TCPState.established.rawValue, let room = place ?? freePlace(for: row.cookie)
    else { return true }
    if place == nil || !mayHold { note(mayHold ? .new : .counted, of: row.cookie, at: room) }
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
      guard let place = place(of: held.row.cookie) else { continue }
      let verdict = verdict(held, findings, controlGroup)
      if verdict == .inside, self.verdict(at: place) == .counted { countedBefore += 1 }
      note(verdict, of: held.row.cookie, at: place)
      if verdict != .inside, let connection = held.row.connection { count(connection) }
    }
    held = []
  }

  /// Whether the socket with this cookie is the command's end of an internal connection.
  public func isInternal(cookie: UInt64) -> Bool {
    place(of: cookie).map { verdict(at: $0) == .inside } ?? false
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

  private func place(of cookie: UInt64) -> Int? { places(of: cookie).first { table[$0] >> 4 == cookie } }

  private func freePlace(for cookie: UInt64) -> Int? {
    places(of: cookie).first { table[$0] & InternalConnections.anySeen == 0 }
  }

  /// Cookies count up, by steps of any size: a multiple of the golden ratio spreads them.
  private func places(of cookie: UInt64) -> Range<Int> {
    guard !table.isEmpty else { return 0..<0 }
    let hash = (cookie &* 0x9E37_79B9_7F4A_7C15) >> 32
    let first = Int((hash &* UInt64(sets)) >> 32) * InternalConnections.ways
    return first..<(first + InternalConnections.ways)
  }

  private func verdict(at place: Int) -> Verdict { Verdict(rawValue: table[place] & 3) ?? .external }

  private mutating func note(_ verdict: Verdict, of cookie: UInt64, at place: Int) {
    table[place] = cookie << 4 | InternalConnections.isSeen | verdict.rawValue
  }
}
