import LinuxFormats
import Primitives

/// What a connection means for a stop.
package enum ConnectionClass: Int, Sendable, CaseIterable {
  /// The command has not accepted it yet.
  case pendingAccept
  /// The kernel has received bytes that the command has not read.
  case unreadRequest
  /// The command has sent bytes that the other end has not acknowledged.
  case responseInFlight
  /// The other end sent last, so the command owes an answer.
  case owedResponse
  /// A byte went in one direction or the other within the quiet time.
  case activeStream
  /// The command sent last, longer ago than the quiet time.
  case idle
  /// No byte has come in, for longer than the quiet time.
  case neverUsed
  /// The other end has closed its side and has received its answer.
  case halfClosed
  /// The source lacks the data to decide, so the connection may be busy.
  case unknown

  /// The name in `ebb status` and in JSON.
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

  /// Whether a request has come whose answer is not sent yet.
  package var isRequestInFlight: Bool { rawValue <= ConnectionClass.owedResponse.rawValue }
  /// Whether the drain waits for the connection.
  package var isBusy: Bool { isRequestInFlight || self == .activeStream || self == .unknown }
}

extension Connection {
  /// The class of the connection, where `quiet` is the time without a byte after which traffic counts as quiet.
  ///
  /// The queues come first because they are facts; the ages only allow a conclusion. A command that computes an answer has
  /// empty queues, and only the ages show that the other end sent last. Equal ages mean an answer within one tick of the
  /// kernel's clock, or a request that came with its connection, if no byte has ever been sent. `judgment` is the result of
  /// all samples of this connection and replaces the ages of this one.
  package func `class`(quiet: TimeAmount, _ judgment: Judgment? = nil) -> ConnectionClass {
    switch state {
    case .listen: .pendingAccept
    case .established where inode == 0:
      // A client may connect before it has a request; gunicorn accepts the connection when the first one comes.
      receiveQueue == 0 && tcpInfo.map { $0.bytesReceived == 0 && $0.lastReceiveAge >= quiet } ?? false
        ? .neverUsed : .pendingAccept
    case .closeWait where inode == 0: .pendingAccept
    case .established: classOfOpen(quiet: quiet, unread: 0, received: 0, judgment)
    // The kernel counts the end of the stream as one byte, in the queue and in the bytes received.
    case .closeWait: classOfOpen(quiet: quiet, unread: 1, received: 1, judgment)
    case .finWait1, .finWait2, .closing, .lastAck: classOfClosed
    }
  }

  /// The class of a connection that the command has open. `unread` and `received` are the bytes that the end of the stream
  /// adds to these counts.
  private func classOfOpen(
    quiet: TimeAmount, unread: UInt32, received: UInt64, _ judgment: Judgment?
  ) -> ConnectionClass {
    guard let receiveQueue, let sendQueue else { return .unknown }
    if receiveQueue > unread { return .unreadRequest }
    if sendQueue > 0 { return .responseInFlight }
    guard let tcpInfo else { return .unknown }
    // The send queue is empty, so every byte that was sent has been acknowledged.
    let sentLast = tcpInfo.lastReceiveAge >= tcpInfo.lastSendAge && tcpInfo.bytesAcknowledged > 0
    if judgment?.isOwed ?? (tcpInfo.bytesReceived > received && !sentLast) { return .owedResponse }
    if min(judgment?.sinceSent ?? tcpInfo.lastSendAge, judgment?.sinceReceived ?? tcpInfo.lastReceiveAge) < quiet {
      return .activeStream
    }
    if state == .closeWait { return .halfClosed }
    return tcpInfo.bytesReceived == 0 ? .neverUsed : .idle
  }

  /// The class of a connection that the command has closed. The kernel delivers the rest for as long as the other end
  /// acknowledges it. One byte is the end of the stream.
  private var classOfClosed: ConnectionClass {
    let isStalled = tcpInfo.map { $0.lastAckAge >= Connection.stallLimit } ?? false
    return (sendQueue ?? 0) > 1 && !isStalled ? .responseInFlight : .halfClosed
  }

  /// Time without an acknowledgement after which the other end counts as gone.
  private static let stallLimit = TimeAmount.seconds(5)
}
