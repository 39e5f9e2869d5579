import LinuxFormats
import Primitives

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

extension Connection {
  /// What it means for a stop whose traffic counts as quiet after such a span without a byte.
  ///
  /// The order is that of certainty: what is in a queue is a fact, what the ages say is a conclusion. A command that
  /// computes an answer has empty queues, and only the ages show that the other end spoke last. Equal ages are an answer
  /// within one tick of the kernel's clock; or a request that came with its connection, where no byte has ever gone out.
  /// `judgment`: what all looks at it say of who is owed what, in place of the ages of this one.
  package func `class`(quiet: TimeAmount, _ judgment: Judgment? = nil) -> ConnectionClass {
    switch state {
    case .listen: .pendingAccept
    case .established where inode == 0:
      // A client that connects ahead of its requests; gunicorn accepts it when the first one comes.
      receiveQueue == 0 && tcpInfo.map { $0.bytesReceived == 0 && $0.lastReceiveAge >= quiet } ?? false
        ? .neverUsed : .pendingAccept
    case .closeWait where inode == 0: .pendingAccept
    case .established: classOfOpen(quiet: quiet, unread: 0, received: 0, judgment)
    // The end of the stream counts as one byte in the queue and in what was received.
    case .closeWait: classOfOpen(quiet: quiet, unread: 1, received: 1, judgment)
    case .finWait1, .finWait2, .closing, .lastAck: classOfClosed
    }
  }

  /// `unread` and `received`: what the end of the stream adds to those.
  private func classOfOpen(
    quiet: TimeAmount, unread: UInt32, received: UInt64, _ judgment: Judgment?
  ) -> ConnectionClass {
    guard let receiveQueue, let sendQueue else { return .unknown }
    if receiveQueue > unread { return .unreadRequest }
    if sendQueue > 0 { return .responseInFlight }
    guard let tcpInfo else { return .unknown }
    // The send queue is empty: what was ever sent has been acknowledged.
    let spokeLast = tcpInfo.lastReceiveAge >= tcpInfo.lastSendAge && tcpInfo.bytesAcknowledged > 0
    if judgment?.isOwed ?? (tcpInfo.bytesReceived > received && !spokeLast) { return .owedResponse }
    if min(judgment?.sinceSaid ?? tcpInfo.lastSendAge, judgment?.sinceHeard ?? tcpInfo.lastReceiveAge) < quiet {
      return .activeStream
    }
    if state == .closeWait { return .halfClosed }
    return tcpInfo.bytesReceived == 0 ? .neverUsed : .idle
  }

  /// The command has closed it, and the kernel delivers the rest: as long as the other end takes it. One byte stands
  /// for the end of the stream.
  private var classOfClosed: ConnectionClass {
    let isStalled = tcpInfo.map { $0.lastAckAge >= Connection.stallLimit } ?? false
    return (sendQueue ?? 0) > 1 && !isStalled ? .responseInFlight : .halfClosed
  }

  /// Whoever has not acknowledged anything for so long is gone.
  private static let stallLimit = TimeAmount.seconds(5)
}
