import LinuxFormats
import Primitives

/// The counts of one look at all connections of the command's ports. Holds no table: however many there are, it stays
/// this small.
package struct ConnectionCounts: Sendable {
  /// How many are in each class, by its raw value.
  package private(set) var counts = [Int](repeating: 0, count: ConnectionClass.allCases.count)
  /// Those in ESTABLISHED, accepted or not.
  package private(set) var established = 0
  /// Connections of any state, listeners not counted.
  package private(set) var connections = 0
  /// Since the youngest inbound byte or connection; nil: there is none, or the source has no ages.
  package private(set) var sinceReceived: TimeAmount?
  private var waitingAtListeners = 0
  /// Of these, those from which no byte has come for a while: they owe nothing.
  private var unusedAtListeners = 0

  package init() {}

  /// Counts one row.
  ///
  /// `judgment`: what earlier looks at the connection say; nil where there was none.
  package mutating func add(_ connection: Connection, quiet: TimeAmount, _ judgment: Judgment? = nil) {
    guard connection.state != .listen else {
      waitingAtListeners += Int(connection.receiveQueue ?? 0)
      return
    }
    connections += 1
    if connection.state == .established { established += 1 }
    let `class` = connection.class(quiet: quiet, judgment)
    counts[`class`.rawValue] += 1
    if connection.inode == 0, `class` == .neverUsed { unusedAtListeners += 1 }
    if let age = judgment?.sinceHeard ?? connection.tcpInfo?.lastReceiveAge {
      sinceReceived = min(age, sinceReceived ?? age)
    }
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
