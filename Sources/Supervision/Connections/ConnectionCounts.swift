import LinuxFormats
import Primitives

/// The counts of one sample of all connections on the command's ports. Its size does not depend on their number.
package struct ConnectionCounts: Sendable {
  /// Connections of each class, by its raw value.
  package private(set) var counts = [Int](repeating: 0, count: ConnectionClass.allCases.count)
  /// Connections in ESTABLISHED, accepted or not.
  package private(set) var established = 0
  /// Connections in any state, without listening sockets.
  package private(set) var connections = 0
  /// Time since the last inbound byte or connection. `nil` if there is no connection, or the source has no ages.
  package private(set) var sinceReceived: TimeAmount?
  private var waitingAtListeners = 0
  /// Connections among these that have received no byte for longer than the quiet time. They do not hold up the drain.
  private var unusedAtListeners = 0

  package init() {}

  /// Counts one connection or listening socket.
  ///
  /// `judgment` is the result of all samples of the connection; `nil` if only its ages count.
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
    if let age = judgment?.sinceReceived ?? connection.tcpInfo?.lastReceiveAge {
      sinceReceived = min(age, sinceReceived ?? age)
    }
  }

  /// The number of connections of a class.
  package subscript(class: ConnectionClass) -> Int {
    // The queue of a listening socket and the connections that are not accepted are the same connections.
    let count = counts[`class`.rawValue]
    return `class` == .pendingAccept ? max(count, waitingAtListeners - unusedAtListeners) : count
  }

  /// Connections with a request whose answer is not sent yet.
  package var inFlight: Int { sum { $0.isRequestInFlight } }
  /// Connections that the drain waits for.
  package var busy: Int { sum { $0.isBusy } }
  /// Connections that the drain does not wait for.
  package var idle: Int { sum { !$0.isBusy } }

  private func sum(_ isCounted: (ConnectionClass) -> Bool) -> Int {
    ConnectionClass.allCases.reduce(0) { isCounted($1) ? $0 + self[$1] : $0 }
  }
}
