import LinuxFormats
import Primitives

/// Finds the connections with both ends in the command's process tree, such as those of a worker and its queue or of a
/// proxy and its app. They bring no traffic from outside, and a drain that waits for them waits for the command itself.
///
/// The key of a verdict is the cookie of the command's end. The table is bounded; a connection without room in it counts as
/// external.
package struct InternalConnections: Sendable {
  /// Records of this pass that are not counted yet, because the owners of their other ends must be found first.
  package private(set) var held: [SocketRecord] = []
  /// Inodes of the other ends of `held`, for as many as are known. 0 if that socket is gone or belongs to no process.
  package private(set) var otherEnds: [UInt64] = []
  /// Ids of the control groups of the other ends. 0 if the kernel does not report one.
  private var otherGroups: [UInt64] = []
  /// Connections that an earlier pass counted and that are internal.
  package private(set) var countedBefore = 0

  /// Sets of `ways` entries each; a hash of the cookie selects the set. A pass over thousands of connections does a lookup
  /// for each, and this lookup reads one cache line. In a sorted array of 4096 entries it took 7 % of the pass. Empty until
  /// the first connection with a local peer.
  ///
  /// An entry is the cookie above four bits: seen by this pass, seen by the last pass, and two bits of the verdict. 0 is free.
  private var table: [UInt64] = []
  private let sets: Int
  private let maxHeld: Int

  private enum Verdict: UInt64 {
    /// Unknown, and not counted yet.
    case new
    /// Unknown, and counted.
    case counted
    case external
    case inside
  }

  private static let ways = 8
  private static let isSeen: UInt64 = 8
  /// The bits of this pass and of the last one.
  private static let anySeen: UInt64 = 12

  /// Makes an empty table. `sets` is its number of sets, `mostHeld` the number of connections that a pass can hold.
  package init(sets: Int = 512, mostHeld: Int = 256) {
    (self.sets, self.maxHeld) = (sets, mostHeld)
  }

  /// Begins a pass. New connections may replace those that neither this pass nor the last one has seen. The close event of a
  /// replaced one is counted.
  package mutating func beginPass() {
    beginAnew()
    for index in table.indices {
      let entry = table[index]
      table[index] = entry & ~InternalConnections.anySeen | (entry & InternalConnections.isSeen) >> 1
    }
  }

  /// Drops the records of this pass, because the kernel's answer was incomplete.
  package mutating func beginAnew() { (held, otherEnds, otherGroups) = ([], [], []) }

  /// Adds a record. Returns whether it counts now; one that does not is held or internal.
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
    // No process has it before the command accepts it.
    let mayHold = row.inode != 0 && held.count < maxHeld
    guard mayHold || row.state == TCPState.established.rawValue, let room = place ?? freePlace(for: row.cookie)
    else { return true }
    if place == nil || !mayHold { note(mayHold ? .new : .counted, of: row.cookie, at: room) }
    if mayHold { held.append(row) }
    return !mayHold
  }

  /// The next held record whose other end is unknown.
  package var nextHeld: SocketRecord? { otherEnds.count < held.count ? held[otherEnds.count] : nil }

  /// Adds the kernel's answer for the other end of `nextHeld`. `nil` if that socket does not exist.
  package mutating func add(_ found: SocketRecord?) {
    guard let row = nextHeld else { return }
    let isThere = found?.isOtherEnd(of: row) ?? false
    otherEnds.append(isThere ? found?.inode ?? 0 : 0)
    otherGroups.append(isThere ? found?.controlGroup ?? 0 : 0)
  }

  /// Inodes of both ends of each held record whose other end exists. The processes that own them decide the verdict.
  package var inodes: [UInt64] {
    var inodes: [UInt64] = []
    for (index, other) in otherEnds.enumerated() where other != 0 {
      inodes.append(held[index].inode)
      inodes.append(other)
    }
    return inodes
  }

  /// Decides on the held records and passes those that count to `count`. `findings` is the result of a search for `inodes`
  /// among the descriptors of the command's processes. `controlGroup` is the id of this process's control group, or `nil` if
  /// it does not distinguish containers.
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

  /// The verdict on a held record. If some processes cannot be searched, as by root without CAP_SYS_PTRACE, the control group
  /// decides instead of the process tree, as it does for listening sockets.
  private func verdict(
    ofHeld index: Int, _ findings: PortDiscovery.ScanResult, _ controlGroup: UInt64?
  ) -> Verdict {
    guard index < otherEnds.count else { return .counted }
    // The client has closed its socket, so the connection ends soon.
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

  /// The set of a cookie. The kernel assigns ascending cookies, and the command may have any part of them. Multiplication by
  /// the golden ratio spreads arithmetic progressions evenly (Knuth, The Art of Computer Programming, section 6.4).
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
