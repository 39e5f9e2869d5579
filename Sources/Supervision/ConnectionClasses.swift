extension Connection {
  /// What it means for a stop whose traffic counts as quiet after such a span without a byte.
  ///
  /// The order is that of certainty: what is in a queue is a fact, what the ages say is a conclusion. A command that
  /// computes an answer has empty queues, and only the ages show that the other end spoke last. Equal ages are an answer
  /// within one tick of the kernel's clock; or a request that came with its connection, where no byte has ever gone out.
  public func `class`(quiet: Span) -> ConnectionClass {
    switch state {
    case .listen: .pendingAccept
    case .established where inode == 0, .closeWait where inode == 0: .pendingAccept
    case .established: classOfOpen(quiet: quiet, unread: 0, received: 0)
    // The end of the stream counts as one byte in the queue and in what was received.
    case .closeWait: classOfOpen(quiet: quiet, unread: 1, received: 1)
    case .finWait1, .finWait2, .closing, .lastAck: classOfClosed
    }
  }

  /// `unread` and `received`: what the end of the stream adds to those.
  private func classOfOpen(quiet: Span, unread: UInt32, received: UInt64) -> ConnectionClass {
    guard let receiveQueue, let sendQueue else { return .unknown }
    if receiveQueue > unread { return .unreadRequest }
    if sendQueue > 0 { return .responseInFlight }
    guard let ages else { return .unknown }
    // The send queue is empty: what was ever sent has been acknowledged.
    let spokeLast = ages.received >= ages.sent && ages.bytesAcknowledged > 0
    if ages.bytesReceived > received, !spokeLast { return .owedResponse }
    if min(ages.sent, ages.received) < quiet { return .activeStream }
    if state == .closeWait { return .halfClosed }
    return ages.bytesReceived == 0 ? .neverUsed : .idle
  }

  /// The command has closed it, and the kernel delivers the rest: as long as the other end takes it. One byte stands
  /// for the end of the stream.
  private var classOfClosed: ConnectionClass {
    let isStalled = ages.map { $0.acknowledged >= Connection.stallLimit } ?? false
    return (sendQueue ?? 0) > 1 && !isStalled ? .responseInFlight : .halfClosed
  }

  /// Whoever has not acknowledged anything for so long is gone.
  private static let stallLimit = Span.seconds(5)
}
