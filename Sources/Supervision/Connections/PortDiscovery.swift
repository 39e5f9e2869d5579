import LinuxFormats
import Primitives

/// Which ports are the command's, and how that is known. Ports once seen are kept: a command may close its listening
/// socket and still serve the connections it has.
package struct PortDiscovery: Sendable {
  /// The command's.
  package private(set) var ports = SortedSet<UInt16>()
  /// How that is known.
  package private(set) var portSource = ConnectionSample.PortSource.unknown
  /// Listening sockets on other ports, in the order of the kernel; empty where nobody has to ask whose they are.
  package private(set) var candidates: [Candidate] = []

  /// The last search could not look into a process of another user.
  package private(set) var isDenied = false
  /// ebb's own.
  private let excluded: UInt16?
  /// There. One is ebb's; a second one, on another address, may be the command's.
  private var onExcluded: [Candidate] = []
  /// Listening sockets that have turned out to be somebody else's.
  private var foreignInodes = SortedSet<UInt64>()
  private var isSettled = false

  /// A listening socket whose owner is not known.
  package struct Candidate: Sendable {
    /// As links in /proc/PID/fd name it.
    package let inode: UInt64
    /// Where it listens.
    package let port: UInt16
    /// That it was made in; nil: not told.
    package let controlGroup: UInt64?
  }

  /// What a look at the descriptors of processes has found.
  package struct ScanResult: Sendable {
    /// The candidates that one of them has.
    package var matched = SortedSet<UInt64>()
    /// One has a listening UNIX socket, or a UDP socket as a server has it.
    package var hasUncountable = false
    /// One has a socket, of whatever kind.
    package var hasSockets = false
    /// Another user's could not, for want of a capability.
    package var isDenied = false
    /// Every process could be looked into.
    package var isComplete = true
    /// There may be listening sockets that no such look shows: in another network namespace, say.
    package var hasBlindSpot = false
    /// Nothing that matters changed meanwhile.
    package var isSteady = true

    package init() {}
  }

  /// `given`: the ports that the user names, nil where they are to be found.
  package init(given: [UInt16]?, excluding excluded: UInt16?) {
    self.excluded = excluded
    guard let given else { return }
    for port in given where port != excluded { ports.insert(port) }
    if !ports.elements.isEmpty { portSource = .given }
  }

  /// Another look at the listening sockets begins.
  package mutating func beginLook() { (candidates, onExcluded) = ([], []) }

  /// The verdict that it listens on nothing is open again, until the next conclusion.
  package mutating func restart() {
    beginLook()
    (portSource, isSettled) = (.unknown, false)
  }

  /// Takes in a listening socket.
  package mutating func add(_ row: SocketRecord) {
    guard !ports.contains(row.localPort) else { return }
    let candidate = Candidate(inode: row.inode, port: row.localPort, controlGroup: row.controlGroup)
    guard row.localPort == excluded else { return candidates.append(candidate) }
    onExcluded.append(candidate)
    if onExcluded.count > 1 { candidates += onExcluded.count == 2 ? onExcluded : [candidate] }
  }

  /// Takes in a socket that looks accepted, by a listening socket which has been closed: it is connected, and its port is
  /// none that the kernel hands out to clients. Whoever has it has listened there.
  package mutating func addAccepted(_ row: SocketRecord, clientPorts: ClosedRange<UInt16>) {
    guard let connection = row.connection, connection.state != .listen, row.inode != 0, row.localPort != excluded,
      !clientPorts.contains(row.localPort)
    else { return }
    add(row)
  }

  /// Whether the descriptors of processes must be looked at: somebody unknown listens, or it has never been found out
  /// whether anybody does.
  package var needsSearch: Bool { !isSettled || candidates.contains { !foreignInodes.contains($0.inode) } }
  /// Whether the search is also for sockets whose clients cannot be counted: they matter only where there is no port.
  package var needsOthers: Bool { ports.elements.isEmpty }

  /// Draws the conclusion of a search. `controlGroup`: this process's, nil where that tells nothing. `isEverybody`: the
  /// search was not for the command's tree but for all processes that are visible; others may not be.
  package mutating func finishScan(_ findings: ScanResult, controlGroup: UInt64?, isEverybody: Bool) {
    defer { candidates = [] }
    isDenied = findings.isDenied
    let others = candidates.filter { !findings.matched.contains($0.inode) }
    isSettled = findings.isSteady
    foreignInodes = SortedSet(others.map { $0.inode })
    for candidate in candidates where findings.matched.contains(candidate.inode) { ports.insert(candidate.port) }
    if others.count < candidates.count, portSource != .all, portSource != .ofControlGroup { portSource = .ofTree }
    if !others.isEmpty, isEverybody || !findings.isComplete {
      takeUnowned(others, controlGroup)
    } else if ports.elements.isEmpty {
      let isCertain = findings.isComplete && findings.isSteady && !findings.hasBlindSpot
      portSource = !isCertain ? .unknown : findings.hasUncountable ? .uncountable : .none
    }
  }

  /// Who has them cannot be seen. Control groups tell containers apart that share a network.
  private mutating func takeUnowned(_ unowned: [Candidate], _ controlGroup: UInt64?) {
    let mates = unowned.filter { controlGroup != nil && $0.controlGroup == controlGroup }
    if !mates.isEmpty {
      for candidate in mates { ports.insert(candidate.port) }
      if portSource != .all { portSource = .ofControlGroup }
    } else if ports.elements.isEmpty || portSource == .all {
      // ebb may sit in a group of its own beside the command.
      for candidate in unowned { ports.insert(candidate.port) }
      portSource = .all
    }
  }
}
