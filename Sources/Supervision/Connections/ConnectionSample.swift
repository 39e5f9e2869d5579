import Primitives

/// The result of one pass over the connections.
package struct ConnectionSample: Sendable {
  /// The kernel interface that the sample comes from.
  package var source: ConnectionSource
  /// Counts of all connections on `ports`.
  package var counts: ConnectionCounts
  /// The ports that the sample covers, in ascending order.
  package var ports: [UInt16]
  /// How the ports were found.
  package var portSource: PortSource
  /// Whether a process of another user could not be searched, so that the owner of the ports is unknown.
  package var isDenied = false
  /// Connections on `ports` that have been closed since the stop signal, as far as is known. New connections since then are
  /// the closed ones plus the present ones minus those of the first sample.
  package var closed: Int
  /// Connections to any port except ebb's own that the kernel has accepted since the stop signal (PassiveOpens in
  /// /proc/net/snmp). `nil` if the kernel does not report it. Replaces `closed` if `missedCloses` is true.
  package var passiveOpens: Int?
  /// Whether close events are missing: the socket-destroy multicast group is not available, or its buffer overflowed since
  /// the last pass.
  package var missedCloses: Bool
  /// The age of the moment up to which `closed` is complete. `nil` if no such moment is known.
  package var eventHorizonAge: TimeAmount?
  /// Time since the last inbound byte or connection among the connections closed since the last pass.
  package var sinceReceivedByClosed: TimeAmount?
  /// Processor time of the pass.
  package var cost: TimeAmount

  /// How the command's ports were found.
  package enum PortSource: Sendable {
    /// The user named them with `--ports`.
    case given
    /// The command's process tree listens on them.
    case ofTree
    /// The command's control group listens on them.
    case ofControlGroup
    /// All ports of this network namespace, because the owners are unknown.
    case all
    /// The command's process tree certainly has no listening socket: no TCP, UDP or UNIX socket.
    case none
    /// The command has only UDP or UNIX sockets, whose clients cannot be counted.
    case uncountable
    /// Whether the command listens is unknown.
    case unknown
  }

  package init(source: ConnectionSource, listeners: PortSource) {
    self.source = source
    self.portSource = listeners
    counts = ConnectionCounts()
    ports = []
    closed = 0
    missedCloses = false
    cost = .zero
  }
}
