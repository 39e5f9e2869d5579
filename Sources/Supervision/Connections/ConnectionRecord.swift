/// The history of one connection since the stop signal. There is one for each connection, so it is small.
///
/// A single sample shows which side sent last. Mostly that side is owed nothing, but some protocols send bytes that are
/// neither a request nor an answer. A TLS server sends its session tickets after the request has come. HTTP/2 has SETTINGS,
/// WINDOW_UPDATE and PING, WebSocket has ping and pong. Two samples show how many bytes went each way between them.
///
/// An answered request that counts as owed costs some of the drain's time, but an owed one that counts as answered costs a
/// user an error. So a size alone may turn answered into owed, but never owed into answered.
struct ConnectionRecord: Sendable {
  /// The kernel's number of the socket.
  let cookie: UInt64
  /// Bytes that the command has read and written; the lower 32 bits of the counts.
  private var bytesIn: UInt32
  private var bytesOut: UInt32
  /// Data segments in both directions; the lower 16 bits of the counts.
  private var segmentsIn: UInt16
  private var segmentsOut: UInt16
  /// When the last byte outside of control frames was received and sent. All moments here are milliseconds since the first
  /// pass.
  private(set) var receivedAt: Int32
  private(set) var sentAt: Int32
  /// When the server first sent something after a byte of the client, as far as is known.
  private var bornAt = ConnectionRecord.never
  /// An answer is owed until this moment: `never`, `always`, or the end of a doubt.
  private var owedUntil: Int32
  /// `owedUntil` before the last exchange, which may prove to have been a ping.
  private var owedBefore = ConnectionRecord.never
  /// Inbound segments since a large answer began. 0 if the last answer was not large.
  private var segmentsSinceLarge: UInt8 = 0
  /// Bytes of a ping without an answer, of the client and of the server.
  private var pingIn: UInt8 = 0
  private var pingOut: UInt8 = 0
  /// Bytes of the client's part in the last whole ping.
  private var seenPing: UInt8 = 0
  /// Bytes and segments from the client since the server last sent something.
  private var unansweredBytes: UInt8 = 0
  private var unansweredSegments: UInt8 = 0
  private var flags: Flags = []
  /// Number of the last pass that included the connection.
  var pass: UInt8

  private struct Flags: OptionSet {
    let rawValue: UInt8
    /// The connection has had at most one exchange.
    static let isFresh = Flags(rawValue: 1)
    /// What the server sent after the first request may be no answer.
    static let mayOweFirst = Flags(rawValue: 2)
    /// A PING of HTTP/2 has been exchanged.
    static let isHTTP2 = Flags(rawValue: 4)
    /// The last exchange may have been a ping. The next ping decides.
    static let mayBePing = Flags(rawValue: 8)
    /// The connection was not in the first sample.
    static let isNew = Flags(rawValue: 16)
    /// The server sent nothing at first. An HTTP/2 server sends its SETTINGS.
    static let answersLate = Flags(rawValue: 32)
    /// A ping or one half of it has been seen, so the total counts no longer describe the first exchange.
    static let hasPinged = Flags(rawValue: 64)
    /// What may be no answer to the first request may be session tickets.
    static let mayOweInTLS = Flags(rawValue: 128)
  }

  // Durations are milliseconds, sizes bytes.
  static let never = Int32.min
  private static let always = Int32.max
  /// A handshake and the first request take less than this.
  private static let longestBeginning: Int32 = 600
  /// Proxies and load balancers wait at most this long for an answer (nginx proxy_read_timeout; most clouds).
  private static let longestRequest: Int32 = 60_000
  /// An HTTP/2 client sends a WINDOW_UPDATE at the latest halfway through its default window of 64 KiB (RFC 9113 section
  /// 6.9.2). The last one comes a round trip after the answer.
  private static let largeAnswer: UInt32 = 32 * 1024
  private static let longestRoundTrip: Int32 = 100
  /// An HTTP/2 server sends at most this before its first answer: SETTINGS and its acknowledgement, WINDOW_UPDATE, PING.
  private static let longestSettings: UInt32 = 100
  /// Less than gRPC servers send: SETTINGS with two values 21, its acknowledgement 9.
  private static let shortestSettings: UInt32 = 30
  /// Less than gRPC clients send up to their first request: preface 24, SETTINGS and WINDOW_UPDATE, the path as text.
  private static let shortestHTTP2Request: UInt32 = 200
  /// A server on a busy machine sends its session tickets at most this late.
  private static let longestTicket: Int32 = 300
  /// A server answers a WebSocket ping immediately; on a busy machine at most this late.
  private static let longestPong = longestTicket
  /// Bytes after a large answer are probably no request, so they count as one only for this time.
  private static let doubtful: Int32 = 3000
  /// The kernel's clock ticks every 4 ms, and a single segment is acknowledged 40 ms late (TCP_DELACK_MIN).
  private static let tick: Int32 = 4
  private static let delayedAcknowledgement: Int32 = 36

  /// One sample of a connection.
  struct Look {
    /// The lower bits of the counts.
    var bytesIn: UInt32
    var bytesOut: UInt32
    var segmentsIn: UInt16
    var segmentsOut: UInt16
    /// The largest segment of the command's end, in bytes.
    var largestSegment: UInt32
    /// Moments, in milliseconds since the first pass.
    var now: Int32
    var receivedAt: Int32
    var sentAt: Int32
    var acknowledgedAt: Int32

    /// Whether an answer is owed by the ages alone.
    var isOwed: Bool { bytesIn > 0 && (bytesOut == 0 || receivedAt > sentAt) }
  }

  /// Starts with the first sample of a connection. `isNew` is false if the first pass included it.
  init(cookie: UInt64, _ look: Look, isNew: Bool, pass: UInt8, _ port: inout PortTraits) {
    self.cookie = cookie
    self.pass = pass
    (bytesIn, bytesOut) = (look.bytesIn, look.bytesOut)
    (segmentsIn, segmentsOut) = (look.segmentsIn, look.segmentsOut)
    (receivedAt, sentAt) = (look.receivedAt, look.sentAt)
    owedUntil = look.isOwed ? ConnectionRecord.always : ConnectionRecord.never
    if bytesIn > 0 { bornAt = max(receivedAt, sentAt) }
    if isNew { flags = .isNew }
    if segmentsIn <= (isNew ? 20 : 7) { flags.insert(.isFresh) }
    conclude(look, &port)
  }

  /// Adds a later sample.
  mutating func look(_ look: Look, _ port: inout PortTraits) {
    if bytesIn > 0, look.bytesOut == 0 { flags.insert(.answersLate) }
    // The kernel reads counts and queues at two moments, so a sum may decrease.
    let received = UInt32(max(0, Int32(bitPattern: look.bytesIn &- bytesIn)))
    let sent = UInt32(max(0, Int32(bitPattern: look.bytesOut &- bytesOut)))
    if received > 0 || sent > 0 {
      if bytesOut == 0, look.bytesIn > 0 { bornAt = max(look.receivedAt, look.sentAt) }
      if 1..<22 ~= received, 1..<22 ~= sent { port.isPlain = true }
      grow(received, sent, look, port)
      let newSegmentsIn = UInt32(look.segmentsIn &- segmentsIn)
      unansweredBytes = sent > 0 ? 0 : UInt8(clamping: UInt32(unansweredBytes) + received)
      unansweredSegments = sent > 0 ? 0 : UInt8(clamping: UInt32(unansweredSegments) + newSegmentsIn)
      (bytesIn, bytesOut) = (look.bytesIn, look.bytesOut)
      (segmentsIn, segmentsOut) = (look.segmentsIn, look.segmentsOut)
    } else if ControlFrames.isClientsWebSocketPing(UInt32(pingIn)) {
      // A pong would have followed by now: this is a message of the same size.
      owedUntil = ConnectionRecord.always
    }
    conclude(look, &port)
  }

  /// Whether a request has come whose answer is not sent yet.
  func isOwed(at now: Int32) -> Bool {
    now < owedUntil || flags.contains(.mayOweFirst) && now - bornAt < ConnectionRecord.longestRequest
  }

  /// Adds an exchange: `received` and `sent` bytes between two samples.
  private mutating func grow(_ received: UInt32, _ sent: UInt32, _ look: Look, _ port: PortTraits) {
    let byAges = look.isOwed ? ConnectionRecord.always : ConnectionRecord.never
    if flags.contains(.isFresh), bornAt != ConnectionRecord.never,
      look.now - bornAt < ConnectionRecord.longestBeginning
    {
      return settle(byAges, look)
    }
    let newSegmentsIn = look.segmentsIn &- segmentsIn
    let isHTTP2 = port.isHTTP2 || port.isTLS || flags.contains(.isHTTP2)
    let isControlIn = port.isTLS ? ControlFrames.isHTTP2InTLS(received) : ControlFrames.isHTTP2(received)
    let isControlOut =
      !port.isTLS && ControlFrames.isHTTP2(sent)
      || (port.isTLS || !isHTTP2) && (ControlFrames.isHTTP2InTLS(sent) || sent == ControlFrames.twoUpdatesInTLS)
    // The first PING: what the server sent before it may be no more than SETTINGS.
    if mayHaveSentSettings(port), ControlFrames.isPing(received), sent == 0 || ControlFrames.isHTTP2(sent) {
      flags.insert(.mayOweFirst)
    }
    if isPing(received, sent) { return }
    if isHTTP2, isControlIn, isControlOut {
      flags.insert(.hasPinged)
      return
    }
    if received == 0 { return recordSent(sent, isControl: isHTTP2 && isControlOut, look, port) }

    // HTTP/2 clients send WINDOW_UPDATE after a large answer. In HTTP/1.1 a segment there is a request.
    if sent >= ConnectionRecord.largeAnswer {
      segmentsSinceLarge = UInt8(clamping: max(1, newSegmentsIn))
    } else if segmentsSinceLarge > 0, sent == 0 || look.receivedAt - sentAt < 1000 {
      segmentsSinceLarge = UInt8(clamping: UInt32(segmentsSinceLarge) + UInt32(newSegmentsIn))
    } else {
      segmentsSinceLarge = 0
    }
    let isUpdate =
      isHTTP2 && segmentsSinceLarge >= (port.isHTTP2 ? 1 : 3)
      && (sent == 0 ? 0 : 1)...ConnectionRecord.longestRoundTrip ~= look.receivedAt - look.sentAt
    if isUpdate {
      flags.remove(.isFresh)
      return settle(look.receivedAt + ConnectionRecord.doubtful, look)
    }

    if sent == 0 {
      if ControlFrames.isPing(received) || ControlFrames.isClientsWebSocketPing(received) {
        (owedBefore, pingIn) = (owedUntil, UInt8(received))
        flags.insert(.hasPinged)
        if seenPing == pingIn { return }
      } else {
        flags.remove(.isFresh)
      }
      receivedAt = look.receivedAt
      owedUntil = ConnectionRecord.always
      return
    }
    // A request of which the server has acknowledged a part. A server that answers two requests sends two segments.
    let isAcknowledged = isControlOut && (isHTTP2 || newSegmentsIn >= 2 && look.segmentsOut &- segmentsOut == 1)
    if isAcknowledged, !port.isTLS { flags.insert(.isHTTP2) }
    if isAcknowledged || isPingBesideMessage(received, sent, look, port) || isInterim(received, sent, port) {
      receivedAt = look.receivedAt
      owedUntil = ConnectionRecord.always
      flags.remove(.isFresh)
    } else {
      // A pong after an answer looks like a message. The next ping decides.
      let mayBePong = ControlFrames.isClientsWebSocketPing(received) && sent > received
      let isPong = mayBePong && received == UInt32(seenPing)
      settle(isHTTP2 && isControlIn || isPong ? ConnectionRecord.never : byAges, look)
      flags.remove(.isFresh)
      if mayBePong {
        flags.insert(.mayBePing)
        owedBefore = ConnectionRecord.never
      } else if ControlFrames.isServersWebSocketPing(sent) {
        // It may be a ping of the server instead of an answer. Then the pong follows.
        (owedBefore, pingOut) = (ConnectionRecord.always, UInt8(sent))
      }
    }
  }

  /// Adds an exchange in which only the server sent.
  private mutating func recordSent(_ sent: UInt32, isControl: Bool, _ look: Look, _ port: PortTraits) {
    if ControlFrames.isPing(sent) || ControlFrames.isServersWebSocketPing(sent) {
      (owedBefore, pingOut) = (owedUntil, UInt8(sent))
    }
    if owedUntil == ConnectionRecord.always, isPingBesideMessage(0, sent, look, port) {
      pingOut = 0  // it was a pong, so no pong follows
      return
    }
    if isControl || isKnownPing(sent) || flags.contains(.mayOweFirst) && ControlFrames.isHTTP2(sent) {
      flags.insert(.hasPinged)
      return
    }
    sentAt = look.sentAt
    owedUntil = ConnectionRecord.never
    flags.remove(.isFresh)
    segmentsSinceLarge = sent >= ConnectionRecord.largeAnswer ? 1 : 0
  }

  /// Whether the server sent a ping or a pong of the size that this connection has had before.
  private func isKnownPing(_ sent: UInt32) -> Bool {
    seenPing > 0 && sent + (ControlFrames.isPing(UInt32(seenPing)) ? 0 : ControlFrames.mask) == UInt32(seenPing)
  }

  /// Whether the client sent a message, and the server has sent only a ping, a pong or one of each since. If the message came
  /// before the ping, the ages show that the server sent last.
  private func isPingBesideMessage(_ received: UInt32, _ sent: UInt32, _ look: Look, _ port: PortTraits) -> Bool {
    let received = received + UInt32(unansweredBytes)
    if isKnownPing(sent) { return received >= UInt32(seenPing) + ControlFrames.smallestMessage }
    // Each frame is a segment. Two pipelined messages with one answer of this size look the same.
    guard port.mayBeWebSocket, !flags.contains(.isHTTP2), look.sentAt - look.receivedAt <= ConnectionRecord.longestPong,
      let pings = ControlFrames.serversWebSocketPings(sent)
    else { return false }
    let newSegmentsIn = UInt32(look.segmentsIn &- segmentsIn) + UInt32(unansweredSegments)
    return received >= sent + pings * ControlFrames.mask + ControlFrames.smallestMessage
      && newSegmentsIn > pings && UInt32(look.segmentsOut &- segmentsOut) <= pings
  }

  /// Whether the server sent only `100 Continue`.
  private func isInterim(_ received: UInt32, _ sent: UInt32, _ port: PortTraits) -> Bool {
    received >= ControlFrames.shortestExpect
      && (sent == ControlFrames.interim || sent == ControlFrames.interimInTLS && port.isTLS)
  }

  /// Sets what is owed, and the moments of the last bytes.
  private mutating func settle(_ until: Int32, _ look: Look) {
    (receivedAt, sentAt, owedUntil) = (look.receivedAt, look.sentAt, until)
  }

  /// Whether this completes a ping and its answer, in one sample or two. Such a ping changes nothing.
  private mutating func isPing(_ received: UInt32, _ sent: UInt32) -> Bool {
    let (pendingIn, pendingOut) = (UInt32(pingIn), UInt32(pingOut))
    (pingIn, pingOut) = (0, 0)
    var ping = ControlFrames.ping(received + pendingIn, sent + pendingOut)
    let wasHeld = ping != nil && (pendingIn > 0 && received == 0 || pendingOut > 0 && sent == 0)
    if ping == nil {
      ping = ControlFrames.ping(received, sent)
      // The bytes before it were a message of the same size.
      if ping != nil, ControlFrames.isClientsWebSocketPing(pendingIn) { owedUntil = ConnectionRecord.always }
    }
    guard let ping else {
      // A PING with a WINDOW_UPDATE. Small requests and answers may have these sizes. So an owed answer remains owed, and if
      // none is owed a later PING decides.
      flags.remove(.mayBePing)
      switch (received, sent) {
      case (30, 17), (47, 34), (17, 30), (34, 47): break
      default: return false
      }
      flags.insert(.mayBePing)
      owedBefore = owedUntil
      guard owedUntil == ConnectionRecord.always || flags.contains(.mayOweFirst) else { return false }
      flags.insert(.hasPinged)
      return true
    }
    if wasHeld || flags.contains(.mayBePing) { owedUntil = owedBefore }
    flags.remove(.mayBePing)
    flags.insert(.hasPinged)
    if ControlFrames.isPing(ping) { flags.insert(.isHTTP2) }
    seenPing = UInt8(ping)
    return true
  }

  /// Draws conclusions from a sample about the first exchange and about the port.
  private mutating func conclude(_ look: Look, _ port: inout PortTraits) {
    let sinceReceived = look.now - look.receivedAt
    let sinceSent = look.now - look.sentAt
    if look.segmentsIn == 1, look.bytesOut > 0, look.bytesIn > 0, !look.isOwed, min(sinceReceived, sinceSent) >= 1000 {
      port.beginsWithRequest = true
    }
    let isFresh = flags.contains(.isFresh) && bornAt != ConnectionRecord.never && look.bytesOut > 0
    if isFresh, flags.contains(.hasPinged), flags.contains(.mayOweInTLS) ? port.mayBeTLS : port.mayOweFirst { return }
    flags.remove(.mayOweFirst)
    if isFresh, look.segmentsOut == 1, isInterim(look.bytesIn, look.bytesOut, port) { flags.insert(.mayOweFirst) }
    guard isFresh, port.mayOweFirst, !flags.contains(.hasPinged) else { return }
    guard look.segmentsIn >= 2 else { return }
    // A ClientHello and a Finished from the client, a certificate from the server. On a connection from before the stop
    // signal it may be a few requests as well.
    let beganInTLS = look.bytesIn >= 250 && look.bytesOut >= 200 && (flags.contains(.isNew) || port.isTLS)
    if beganInTLS, look.bytesOut >= 1000 { port.beganWithTLS = true }
    // What comes later is an answer, neither a ticket nor SETTINGS.
    guard look.sentAt - look.receivedAt <= ConnectionRecord.longestTicket else { return }
    let mayBeInTLS = beganInTLS && port.mayBeTLS
    if mayBeInTLS { flags.insert(.mayOweInTLS) }
    if mayBeInTLS ? mayOweInTLS(look, &port) : mayOweInPlainText(look, port) { flags.insert(.mayOweFirst) }
  }

  /// Whether the server may have sent only its SETTINGS of HTTP/2, or only the upgrade to WebSocket, in the same tick as the
  /// request.
  private func mayOweInPlainText(_ look: Look, _ port: PortTraits) -> Bool {
    // A later acknowledgement without data would be that of an answer.
    let hasSpokenLast =
      look.segmentsOut < look.segmentsIn && look.acknowledgedAt - look.receivedAt <= ConnectionRecord.tick
    if port.given == .ws { return hasSpokenLast }
    return look.bytesOut <= ConnectionRecord.longestSettings
      && (port.isHTTP2
        || port.given == nil && !flags.contains(.answersLate) && (hasSpokenLast || hasBegunAsHTTP2(look)))
  }

  /// Whether a connection began after the stop signal as one of HTTP/2 does on a busy machine: as many segments from the
  /// server, with SETTINGS and its acknowledgement, as from the client, with preface and request. Several HTTP/1.1 answers
  /// are longer, several commands of Redis or their answers shorter. An idle pool is older than the stop signal.
  private func hasBegunAsHTTP2(_ look: Look) -> Bool {
    flags.contains(.isNew) && look.segmentsOut == look.segmentsIn
      && look.bytesIn >= ConnectionRecord.shortestHTTP2Request && look.bytesOut >= ConnectionRecord.shortestSettings
      && look.sentAt - look.receivedAt <= 2 * ConnectionRecord.tick
  }

  /// Whether the server may have sent only its SETTINGS of HTTP/2 so far, by the counts alone. Small answers have the same
  /// sizes, so a PING must confirm it.
  private func mayHaveSentSettings(_ port: PortTraits) -> Bool {
    port.mayOweFirst && segmentsIn >= 2 && 1...ConnectionRecord.longestSettings ~= bytesOut
      && flags.intersection([.isFresh, .hasPinged, .answersLate]) == .isFresh
  }

  /// Whether the server may have sent only its session tickets. Tickets and an answer both follow the request, and only two
  /// cases are certain.
  private func mayOweInTLS(_ look: Look, _ port: inout PortTraits) -> Bool {
    let untilAcknowledged = look.acknowledgedAt - look.sentAt
    // The server sent only the handshake, and the request acknowledged that.
    if look.segmentsOut == 1 { return look.acknowledgedAt - look.receivedAt <= ConnectionRecord.tick }
    // TLS 1.2 has three segments from each side, and the last one is single, so it is acknowledged late. Two tickets of
    // TLS 1.3 are mostly acknowledged immediately. If the port has two tickets, a late acknowledgement proves nothing.
    // A proxy on this machine acknowledges tickets late too: with the protocol given no request is lost.
    guard port.given == nil, look.segmentsOut == 3, look.bytesOut <= look.largestSegment else { return true }
    if look.segmentsIn == 2 || 0...ConnectionRecord.tick ~= untilAcknowledged && look.now - look.sentAt >= 100 {
      port.hasTwoTickets = true
    }
    return port.hasTwoTickets || look.segmentsIn != 3 || look.sentAt - look.receivedAt > 2 * ConnectionRecord.tick
      || untilAcknowledged < ConnectionRecord.delayedAcknowledgement
  }
}
