import Primitives

/// One whole look at the connections: what a pass found.
package struct ConnectionSample: Sendable {
  /// What it is from.
  package var source: ConnectionSource
  /// All connections of the ports.
  package var counts: ConnectionCounts
  /// The ports looked at, in ascending order.
  package var ports: [UInt16]
  /// Whose ports they are.
  package var portSource: PortSource
  /// A process of another user could not be looked into: that is why it is not known whose the ports are.
  package var isDenied = false
  /// How many connections of the ports have been closed since the watch began, as far as is known. New ones since then
  /// are these, and the connections there are, less those there were.
  package var closed: Int
  /// Connections of any port but ebb's own that the kernel has taken in since the watch began (PassiveOpens); nil: not
  /// told. Counts where `closed` cannot: `missedCloses`.
  package var passiveOpens: Int?
  /// The socket-destroy multicast group is not to be had here, or more connections were closed since the last pass than
  /// it could hold.
  package var missedCloses: Bool
  /// All that was closed until so long ago is in `closed`; nil: of no moment is that known.
  package var eventHorizonAge: TimeAmount?
  /// Since the youngest byte or connection that came in on a connection which has been closed since the last pass.
  package var sinceReceivedByClosed: TimeAmount?
  /// The processor time that the pass took.
  package var cost: TimeAmount

  /// What the watch knows of the command's listening sockets.
  package enum PortSource: Sendable {
    /// `--ports`
    case given
    /// Those of the command's process tree.
    case ofTree
    /// Those of its control group.
    case ofControlGroup
    /// All in this network namespace: who owns them cannot be told.
    case all
    /// It is certain that the command's process tree listens on nothing, neither TCP nor UDP nor a UNIX socket.
    case none
    /// Only UDP or UNIX sockets, whose clients cannot be counted.
    case uncountable
    /// It cannot be told whether it listens.
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
