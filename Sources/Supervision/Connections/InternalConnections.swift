import LinuxFormats
import Primitives

/// Finds the connections with both ends in the command's process tree: a worker and its queue, a proxy and its app. They
/// bring no traffic from outside, and a drain that waits for them waits for the command itself.
///
/// The verdicts are kept by the cookie of the command's end. The table is bounded: a connection that finds no room in it
/// counts.
package struct InternalConnections: Sendable {
  /// Rows of this pass that do not count yet: the owners of their other ends must be found first.
  package private(set) var held: [SocketRecord] = []
  /// Inodes of the other ends of held rows, as many as are known: 0 where that socket is gone or belongs to no process.
  package private(set) var otherEnds: [UInt64] = []
  /// Ids of the control groups of these; 0 where the kernel does not report one.
  private var otherGroups: [UInt64] = []
  /// Connections that were counted in an earlier pass and have turned out to be internal.
  package private(set) var countedBefore = 0

  /// Sets of `ways` entries each; a hash of the cookie chooses the set. A pass over thousands of connections looks up each
  /// one, and this look-up reads one cache line: in a sorted array of 4096 it cost 7 % of the pass. Empty before the first
  /// local peer.
  ///
  /// An entry is the cookie above four bits: seen by this pass, seen by the last pass, and two of the verdict. 0 is free.
  private var table: [UInt64] = []
  private let sets: Int
  private let maxHeld: Int

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

  /// `sets`: of eight connections, that are remembered. `maxHeld`: connections in a pass.
  package init(sets: Int = 512, mostHeld: Int = 256) {
    (self.sets, self.maxHeld) = (sets, mostHeld)
  }

  /// Begins a pass. Connections that neither this pass nor the last one has seen give way to new ones; the closing of a
  /// forgotten one counts.
  package mutating func beginPass() {
    beginAnew()
    for index in table.indices {
      let entry = table[index]
      table[index] = entry & ~InternalConnections.anySeen | (entry & InternalConnections.isSeen) >> 1
    }
  }

  /// Drops the rows of this pass: the kernel's answer was broken off.
  package mutating func beginAnew() { (held, otherEnds, otherGroups) = ([], [], []) }

  /// Records a row. Returns whether it counts now; one that does not is held or internal.
  package mutating func counts(_ row: SocketRecord) -> Bool {
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
    let mayHold = row.inode != 0 && held.count < maxHeld
    guard mayHold || row.state == TCPState.established.rawValue, let room = place ?? freePlace(for: row.cookie)
    else { return true }
    if place == nil || !mayHold { note(mayHold ? .new : .counted, of: row.cookie, at: room) }
    if mayHold { held.append(row) }
    return !mayHold
  }

  /// The next held row whose other end is unknown.
  package var nextHeld: SocketRecord? { otherEnds.count < held.count ? held[otherEnds.count] : nil }

  /// Records the kernel's answer to the request for the other end of `nextHeld`; nil where there is no such socket.
  package mutating func add(_ found: SocketRecord?) {
    guard let row = nextHeld else { return }
    let isThere = found?.isOtherEnd(of: row) ?? false
    otherEnds.append(isThere ? found?.inode ?? 0 : 0)
    otherGroups.append(isThere ? found?.controlGroup ?? 0 : 0)
  }

  /// Inodes of both ends of each held row whose other end exists. The processes that have them decide.
  package var inodes: [UInt64] {
    var inodes: [UInt64] = []
    for (index, other) in otherEnds.enumerated() where other != 0 {
      inodes.append(held[index].inode)
      inodes.append(other)
    }
    return inodes
  }

  /// Decides about the held rows and passes those that count to `count`. `findings`: of a search for `inodes` among the
  /// descriptors of the command's processes. `controlGroup`: id of this process's, nil where it does not tell containers
  /// apart.
  package mutating func conclude(
    _ findings: PortDiscovery.ScanResult, controlGroup: UInt64?, count: (Connection) -> Void
  ) {
    for (index, row) in held.enumerated() {
      guard let place = place(of: row.cookie) else { continue }
      let verdict = verdict(ofHeld: index, findings, controlGroup)
      if verdict == .inside, self.verdict(at: place) == .counted { countedBefore += 1 }
      note(verdict, of: row.cookie, at: place)
      if verdict != .inside, let connection = row.connection { count(connection) }
    }
    beginAnew()
  }

  /// Whether the socket with this cookie is the command's end of an internal connection.
  package func isInternal(cookie: UInt64) -> Bool {
    place(of: cookie).map { verdict(at: $0) == .inside } ?? false
  }

  /// Where some processes cannot be searched, as by root without CAP_SYS_PTRACE, the control group stands for the tree, as
  /// it does for listening sockets.
  private func verdict(
    ofHeld index: Int, _ findings: PortDiscovery.ScanResult, _ controlGroup: UInt64?
  ) -> Verdict {
    guard index < otherEnds.count else { return .counted }
    // The client has closed it: the connection ends soon.
    if otherEnds[index] == 0 { return .external }
    if findings.matched.contains(held[index].inode), findings.matched.contains(otherEnds[index]) { return .inside }
    if !findings.isComplete, let controlGroup {
      let areMates = held[index].controlGroup == controlGroup && otherGroups[index] == controlGroup
      return areMates ? .inside : .external
    }
    return findings.isComplete && findings.isSteady ? .external : .counted
  }

  private func place(of cookie: UInt64) -> Int? { places(of: cookie).first { table[$0] >> 4 == cookie } }

  private func freePlace(for cookie: UInt64) -> Int? {
    places(of: cookie).first { table[$0] & InternalConnections.anySeen == 0 }
  }

  /// The kernel counts cookies up, and any part of them may be the command's: a multiple of the golden ratio spreads
  /// arithmetic progressions evenly (Knuth, The Art of Computer Programming, section 6.4).
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
