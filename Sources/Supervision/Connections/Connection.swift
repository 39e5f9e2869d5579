/// A TCP socket on one of the command's ports, as the kernel shows it. Queues and ages are absent where the source does
/// not tell them.
package struct Connection: Sendable {
  /// Where it is in its life.
  package var state: TCPState
  /// The command's port, in host byte order.
  package var localPort: UInt16
  /// The other end.
  package var peer: SocketAddress
  /// Bytes that the command has not read; of a listener: connections that wait to be accepted. Nil: not told (gVisor).
  package var receiveQueue: UInt32?
  /// Bytes that the other end has not acknowledged. Nil: not told.
  package var sendQueue: UInt32?
  /// 0: no process has it, since nobody has accepted it yet, or its process has closed it.
  package var inode: UInt64
  /// What only tcp_info tells; nil: not told.
  package var ages: Ages?
  /// The kernel's own number of the socket; 0: not told.
  package var cookie: UInt64 = 0

  /// From struct tcp_info, linux/tcp.h.
  package struct Ages: Sendable {
    /// Since the command last sent a byte; since the connection came, where it has sent none.
    package var sent: Span
    /// Since a byte last came in; since the connection came, where none has.
    package var received: Span
    /// Since the other end last acknowledged anything.
    package var acknowledged: Span
    /// Bytes that have come in, ever.
    package var bytesReceived: UInt64
    /// Bytes that the other end has acknowledged, ever.
    package var bytesAcknowledged: UInt64
    /// Nil: not told (before Linux 4.6).
    package var segments: Segments?

    /// Segments with data, ever.
    package struct Segments: Sendable {
      /// That have come in.
      package var received: UInt32
      /// That the command has sent.
      package var sent: UInt32
      /// Bytes that fit into one that the command sends.
      package var largest: UInt32

      package init(received: UInt32, sent: UInt32, largest: UInt32) {
        (self.received, self.sent, self.largest) = (received, sent, largest)
      }
    }

    package init(sent: Span, received: Span, acknowledged: Span, bytesReceived: UInt64, bytesAcknowledged: UInt64) {
      self.sent = sent
      self.received = received
      self.acknowledged = acknowledged
      self.bytesReceived = bytesReceived
      self.bytesAcknowledged = bytesAcknowledged
    }
  }

  package init(
    state: TCPState, localPort: UInt16, peer: SocketAddress, receiveQueue: UInt32?, sendQueue: UInt32?, inode: UInt64,
    ages: Ages?
  ) {
    self.state = state
    self.localPort = localPort
    self.peer = peer
    self.receiveQueue = receiveQueue
    self.sendQueue = sendQueue
    self.inode = inode
    self.ages = ages
  }
}

/// The states of net/tcp_states.h, by their numbers there, that ebb asks for. TIME_WAIT and SYN_RECV carry no request.
package enum TCPState: UInt8, Sendable, CaseIterable {
  case established = 1
  case finWait1 = 4
  /// The command sends no more, the other end may. A server that lingers (nginx) is here, and still has the socket.
  case finWait2 = 5
  case closeWait = 8
  case lastAck = 9
  case listen = 10
  case closing = 11
}

/// What a connection means for a stop.
package enum ConnectionClass: Int, Sendable, CaseIterable {
  /// Nobody has accepted it yet.
  case pendingAccept
  /// Bytes have come in that the command has not read.
  case unreadRequest
  /// Bytes are on their way out.
  case responseInFlight
  /// The other end spoke last: an answer is owed.
  case owedResponse
  /// Data went one way or the other a moment ago.
  case activeStream
  /// The command spoke last, a while ago.
  case idle
  /// Not one byte has come in, for a while.
  case neverUsed
  /// The other end has closed its side and got its answer.
  case halfClosed
  /// The source does not tell enough; it may be busy.
  case unknown

  /// As `ebb status` and JSON have it.
  package var name: String {
    switch self {
    case .pendingAccept: "pending-accept"
    case .unreadRequest: "unread-request"
    case .responseInFlight: "response-in-flight"
    case .owedResponse: "owed-response"
    case .activeStream: "active-stream"
    case .idle: "idle"
    case .neverUsed: "never-used"
    case .halfClosed: "half-closed"
    case .unknown: "unknown"
    }
  }

  /// A request has come whose answer is not out yet.
  package var isRequestInFlight: Bool { rawValue <= ConnectionClass.owedResponse.rawValue }
  /// The drain waits for it.
  package var isBusy: Bool { isRequestInFlight || self == .activeStream || self == .unknown }
}

/// What the kernel tells about connections here, from the most to the least.
package enum ConnectionSource: Int, Sendable {
  /// sock_diag(7) with tcp_info.
  case diagWithInfo
  /// sock_diag(7) without it: queues, but no ages.
  case diag
  /// /proc/net/tcp: the same.
  case proc
  /// /proc/net/tcp with states alone (gVisor).
  case procStates
  /// Nothing can be counted: only the delay and the bounds hold.
  case none

  /// As logs and JSON have it.
  package var name: String {
    switch self {
    case .diagWithInfo: "diag+info"
    case .diag: "diag"
    case .proc: "proc"
    case .procStates: "proc-states"
    case .none: "none"
    }
  }
}

/// The counts of one look at all connections of the command's ports. Holds no table: however many there are, it stays
/// this small.
package struct Census: Sendable {
  /// How many are in each class, by its raw value.
  package private(set) var counts = [Int](repeating: 0, count: ConnectionClass.allCases.count)
  /// Those in ESTABLISHED, accepted or not.
  package private(set) var established = 0
  /// Connections of any state, listeners not counted.
  package private(set) var connections = 0
  /// Since the youngest inbound byte or connection; nil: there is none, or the source has no ages.
  package private(set) var sinceReceived: Span?
  private var waitingAtListeners = 0
  /// Of these, those from which no byte has come for a while: they owe nothing.
  private var unusedAtListeners = 0

  package init() {}

  /// Counts one row.
  ///
  /// `judgment`: what earlier looks at the connection say; nil where there was none.
  package mutating func add(_ connection: Connection, quiet: Span, _ judgment: Judgment? = nil) {
    guard connection.state != .listen else {
      waitingAtListeners += Int(connection.receiveQueue ?? 0)
      return
    }
    connections += 1
    if connection.state == .established { established += 1 }
    let `class` = connection.class(quiet: quiet, judgment)
    counts[`class`.rawValue] += 1
    if connection.inode == 0, `class` == .neverUsed { unusedAtListeners += 1 }
    if let age = judgment?.sinceHeard ?? connection.ages?.received { sinceReceived = min(age, sinceReceived ?? age) }
  }

  /// How many are in a class.
  package subscript(class: ConnectionClass) -> Int {
    // The queue of a listener and the rows that nobody has accepted are the same connections.
    let count = counts[`class`.rawValue]
    return `class` == .pendingAccept ? max(count, waitingAtListeners - unusedAtListeners) : count
  }

  /// Connections with a request whose answer is not out.
  package var inFlight: Int { sum { $0.isRequestInFlight } }
  /// Connections that the drain waits for.
  package var busy: Int { sum { $0.isBusy } }
  package var idle: Int { sum { !$0.isBusy } }

  private func sum(_ isCounted: (ConnectionClass) -> Bool) -> Int {
    ConnectionClass.allCases.reduce(0) { isCounted($1) ? $0 + self[$1] : $0 }
  }
}

/// One whole look at the connections: what a pass found.
package struct Sample: Sendable {
  /// What it is from.
  package var source: ConnectionSource
  /// All connections of the ports.
  package var census: Census
  /// The ports looked at, in ascending order.
  package var ports: [UInt16]
  /// Whose ports they are.
  package var listeners: Listeners
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
  package var sinceTold: Span?
  /// Since the youngest byte or connection that came in on a connection which has been closed since the last pass.
  package var sinceReceivedByClosed: Span?
  /// The processor time that the pass took.
  package var cost: Span

  /// What the watch knows of the command's listening sockets.
  package enum Listeners: Sendable {
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

  package init(source: ConnectionSource, listeners: Listeners) {
    self.source = source
    self.listeners = listeners
    census = Census()
    ports = []
    closed = 0
    missedCloses = false
    cost = .zero
  }
}
