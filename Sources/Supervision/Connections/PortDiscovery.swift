import LinuxFormats
import Primitives

/// The command's ports and how they were found. A port stays in the list, because a command may close its listening socket
/// and still serve its open connections.
package struct PortDiscovery: Sendable {
  /// The command's ports.
  package private(set) var ports = SortedSet<UInt16>()
  /// How the ports were found.
  package private(set) var portSource = ConnectionSample.PortSource.unknown
  /// Listening sockets on other ports, in the kernel's order. Empty if no search for their owners is needed.
  package private(set) var candidates: [Candidate] = []

  /// Whether the last search could not read a process of another user.
  package private(set) var isDenied = false
  /// The port of ebb's health endpoint.
  private let excluded: UInt16?
  /// Candidates on the excluded port. The first is ebb's own listening socket; another one, on a different address, may be
  /// the command's.
  private var onExcluded: [Candidate] = []
  /// Listening sockets of processes outside the command's tree.
  private var foreignInodes = SortedSet<UInt64>()
  /// Whether a search has ended during which no relevant process changed.
  private var isSettled = false

  /// A listening socket with an unknown owner.
  package struct Candidate: Sendable {
    /// The inode, as in the links of /proc/PID/fd.
    package let inode: UInt64
    /// The port, in host byte order.
    package let port: UInt16
    /// The id of the control group that created it. `nil` if the kernel does not report it.
    package let controlGroup: UInt64?
  }

  /// The result of a search through the descriptors of processes.
  package struct ScanResult: Sendable {
    /// The inodes of candidates that a searched process owns.
    package var matched = SortedSet<UInt64>()
    /// Whether a process has a listening UNIX socket, or an unconnected UDP socket.
    package var hasUncountable = false
    /// Whether a process has a socket of any kind.
    package var hasSockets = false
    /// Whether a process of another user could not be read, for lack of a capability.
    package var isDenied = false
    /// Whether every process could be read.
    package var isComplete = true
    /// Whether listening sockets may exist that a search cannot find, for example in another network namespace.
    package var hasBlindSpot = false
    /// Whether no relevant process changed during the search.
    package var isSteady = true

    package init() {}
  }

  /// Starts with the ports that the user named; `nil` if they must be found. `excluded` is the port of ebb's health endpoint.
  package init(given: [UInt16]?, excluding excluded: UInt16?) {
    self.excluded = excluded
    guard let given else { return }
    for port in given where port != excluded { ports.insert(port) }
    if !ports.elements.isEmpty { portSource = .given }
  }

  /// Begins another pass over the listening sockets.
  package mutating func beginLook() { (candidates, onExcluded) = ([], []) }

  /// Discards the result that there are no listening sockets, until the next search ends.
  package mutating func restart() {
    beginLook()
    (portSource, isSettled) = (.unknown, false)
  }

  /// Adds a listening socket.
  package mutating func add(_ row: SocketRecord) {
    guard !ports.contains(row.localPort) else { return }
    let candidate = Candidate(inode: row.inode, port: row.localPort, controlGroup: row.controlGroup)
    guard row.localPort == excluded else { return candidates.append(candidate) }
    onExcluded.append(candidate)
    if onExcluded.count > 1 { candidates += onExcluded.count == 2 ? onExcluded : [candidate] }
  }

  /// Adds a connected socket that a listening socket, closed since, has probably accepted: its port is outside the range that
  /// the kernel assigns to clients. Its owner listened on that port.
  package mutating func addAccepted(_ row: SocketRecord, clientPorts: ClosedRange<UInt16>) {
    guard let connection = row.connection, connection.state != .listen, row.inode != 0, row.localPort != excluded,
      !clientPorts.contains(row.localPort)
    else { return }
    add(row)
  }

  /// Whether a search through descriptors is needed: a listening socket has an unknown owner, or no search has ended yet.
  package var needsSearch: Bool { !isSettled || candidates.contains { !foreignInodes.contains($0.inode) } }
  /// Whether the search includes sockets whose clients cannot be counted. They matter only if there is no port.
  package var needsOthers: Bool { ports.elements.isEmpty }

  /// Applies the result of a search. `controlGroup` is the id of this process's control group, or `nil` if it does not
  /// distinguish containers. `isEverybody` is true if the search covered all visible processes instead of the command's tree;
  /// other processes may be invisible.
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

  /// Adds the ports of sockets with unknown owners. Control groups distinguish containers that share a network namespace.
  private mutating func takeUnowned(_ unowned: [Candidate], _ controlGroup: UInt64?) {
    let mates = unowned.filter { controlGroup != nil && $0.controlGroup == controlGroup }
    if !mates.isEmpty {
      for candidate in mates { ports.insert(candidate.port) }
      if portSource != .all { portSource = .ofControlGroup }
    } else if ports.elements.isEmpty || portSource == .all {
      // ebb may be in a different control group than the command.
      for candidate in unowned { ports.insert(candidate.port) }
      portSource = .all
    }
  }
}
