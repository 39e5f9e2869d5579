/// What the looks at one connection since the stop began have shown. Pure, and small: there is one for each connection.
///
/// A single look shows who spoke last, which mostly is the side that is owed nothing. Not so where a protocol has bytes of
/// its own. A TLS server sends its session tickets after the request has come; HTTP/2 has SETTINGS, WINDOW_UPDATE and
/// PING, WebSocket ping and pong. Two looks show how many bytes went each way between them, and that tells.
///
/// To take an answered request for an owed one costs some of the drain's time, the reverse costs a user an error. So a size
/// alone may turn answered into owed, and never owed into answered.
struct ConnectionRecord: Sendable {
  let cookie: UInt64
  /// Bytes that the command has read, and that it has written; the lower half of the count.
  private var bytesIn: UInt32
  private var bytesOut: UInt32
  private var segmentsIn: UInt16
  private var segmentsOut: UInt16
  /// When the last byte came that was no control frame, and when the last one went. All moments here are milliseconds
  /// since the first look.
  private(set) var heardAt: Int32
  private(set) var saidAt: Int32
  /// When the server first said something to what had come, as far as is known.
  private var bornAt = ConnectionRecord.never
  private var owedUntil: Int32
  /// What that was before the last exchange, which may prove to have been none.
  private var owedBefore = ConnectionRecord.never
  /// Inbound segments since a large answer began; 0: the last answer was not large.
  private var segmentsSinceLarge: UInt8 = 0
  /// A ping that has not been answered, from each side, and the size of the client's in the last whole exchange.
  private var pingIn: UInt8 = 0
  private var pingOut: UInt8 = 0
  private var seenPing: UInt8 = 0
  /// Bytes and segments of the client since the server last sent something.
  private var unansweredBytes: UInt8 = 0
  private var unansweredSegments: UInt8 = 0
  private var fields: Facts = []
  /// Number of the last pass that has seen it.
  var pass: UInt8

  private struct Facts: OptionSet {
    let rawValue: UInt8
    /// It has had one exchange at most.
    static let isFresh = Facts(rawValue: 1)
    /// The server has said something that may be no answer to that.
    static let mayOweFirst = Facts(rawValue: 2)
    /// It has exchanged a PING of HTTP/2.
    static let isHTTP2 = Facts(rawValue: 4)
    /// Its last exchange was one of small control frames, if this is HTTP/2.
    static let mayBePing = Facts(rawValue: 8)
    /// Its first byte came after the first look.
    static let isNew = Facts(rawValue: 16)
    /// The server said nothing at first. One of HTTP/2 sends its SETTINGS.
    static let answersLate = Facts(rawValue: 32)
    /// It has had a ping, or one half of it, since which the totals say nothing of the first exchange.
    static let hasPinged = Facts(rawValue: 64)
    /// What may be no answer may be session tickets.
    static let mayOweInTLS = Facts(rawValue: 128)
  }

  static let never = Int32.min
  private static let always = Int32.max
  /// A handshake and the first request take less.
  private static let longestBeginning: Int32 = 600
  /// Proxies and load balancers wait no longer for an answer (nginx proxy_read_timeout; 60 s too on most clouds).
  private static let longestRequest: Int32 = 60_000
  /// A client of HTTP/2 makes the server wait for a WINDOW_UPDATE half way through its default window of 64 KiB (RFC 9113
  /// section 6.9.2), if not earlier. The last one comes a round trip after the answer.
  private static let largeAnswer: UInt32 = 32 * 1024
  private static let longestRoundTrip: Int32 = 100
  /// SETTINGS and its acknowledgement, WINDOW_UPDATE, PING: all that a server of HTTP/2 says before its first answer.
  private static let longestSettings: UInt32 = 100
  /// A server that is short of processors takes as long for its tickets.
  private static let longestTicket: Int32 = 300
  /// A server answers a ping of WebSocket immediately, with the same allowance.
  private static let longestPong = longestTicket
  /// What came after a large answer is hardly a request: held for so long only.
  private static let doubtful: Int32 = 3000
  /// The kernel's clock ticks each 4 ms; a lone segment is acknowledged 40 ms late (TCP_DELACK_MIN).
  private static let tick: Int32 = 4
  private static let delayedAcknowledgement: Int32 = 36

  /// One look at a connection.
  struct Look {
    /// The lower half of the counts.
    var bytesIn: UInt32
    var bytesOut: UInt32
    var segmentsIn: UInt16
    var segmentsOut: UInt16
    /// Of the end that the command has.
    var largestSegment: UInt32
    /// Moments.
    var now: Int32
    var heardAt: Int32
    var saidAt: Int32
    var acknowledgedAt: Int32

    /// By the ages alone.
    var isOwed: Bool { bytesIn > 0 && (bytesOut == 0 || heardAt > saidAt) }
  }

  /// The first look at it. `isNew`: it was not there at an earlier pass.
  init(cookie: UInt64, _ look: Look, isNew: Bool, pass: UInt8, _ port: inout PortTraits) {
    self.cookie = cookie
    self.pass = pass
    (bytesIn, bytesOut) = (look.bytesIn, look.bytesOut)
    (segmentsIn, segmentsOut) = (look.segmentsIn, look.segmentsOut)
    (heardAt, saidAt) = (look.heardAt, look.saidAt)
    owedUntil = look.isOwed ? ConnectionRecord.always : ConnectionRecord.never
    if bytesIn > 0 { bornAt = max(heardAt, saidAt) }
    if isNew { fields = .isNew }
    if segmentsIn <= (isNew ? 20 : 7) { fields.insert(.isFresh) }
    conclude(look, &port)
  }

  /// A later look.
  mutating func look(_ look: Look, _ port: inout PortTraits) {
    if bytesIn > 0, look.bytesOut == 0 { fields.insert(.answersLate) }
    // The kernel reads counts and queues at two moments, so that a sum may fall.
    let received = UInt32(max(0, Int32(bitPattern: look.bytesIn &- bytesIn)))
    let sent = UInt32(max(0, Int32(bitPattern: look.bytesOut &- bytesOut)))
    if received > 0 || sent > 0 {
      if bytesOut == 0, look.bytesIn > 0 { bornAt = max(look.heardAt, look.saidAt) }
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

  /// Whether a request has come whose answer is not out.
  func isOwed(at now: Int32) -> Bool {
    now < owedUntil || fields.contains(.mayOweFirst) && now - bornAt < ConnectionRecord.longestRequest
  }

  /// `received` and `sent` bytes have gone between two looks.
  private mutating func grow(_ received: UInt32, _ sent: UInt32, _ look: Look, _ port: PortTraits) {
    let byAges = look.isOwed ? ConnectionRecord.always : ConnectionRecord.never
    if fields.contains(.isFresh), bornAt != ConnectionRecord.never,
      look.now - bornAt < ConnectionRecord.longestBeginning
    {
      return settle(byAges, look)
    }
    let newSegmentsIn = look.segmentsIn &- segmentsIn
    let isHTTP2 = port.isHTTP2 || port.isTLS || fields.contains(.isHTTP2)
    let isControlIn = port.isTLS ? ControlFrames.isHTTP2InTLS(received) : ControlFrames.isHTTP2(received)
    let isControlOut =
      !port.isTLS && ControlFrames.isHTTP2(sent)
      || (port.isTLS || !isHTTP2) && (ControlFrames.isHTTP2InTLS(sent) || sent == ControlFrames.twoUpdatesInTLS)
    if isPing(received, sent) { return }
    if isHTTP2, isControlIn, isControlOut {
      fields.insert(.hasPinged)
      return
    }
    if received == 0 { return said(sent, isControl: isHTTP2 && isControlOut, look, port) }

    // After a large answer, WINDOW_UPDATE. HTTP/1.1 has one segment for each request there.
    if sent >= ConnectionRecord.largeAnswer {
      segmentsSinceLarge = UInt8(clamping: max(1, newSegmentsIn))
    } else if segmentsSinceLarge > 0, sent == 0 || look.heardAt - saidAt < 1000 {
      segmentsSinceLarge = UInt8(clamping: UInt32(segmentsSinceLarge) + UInt32(newSegmentsIn))
    } else {
      segmentsSinceLarge = 0
    }
    let isUpdate =
      isHTTP2 && segmentsSinceLarge >= (port.isHTTP2 ? 1 : 3)
      && (sent == 0 ? 0 : 1)...ConnectionRecord.longestRoundTrip ~= look.heardAt - look.saidAt
    if isUpdate {
      fields.remove(.isFresh)
      return settle(look.heardAt + ConnectionRecord.doubtful, look)
    }

    if sent == 0 {
      if ControlFrames.isPing(received) || ControlFrames.isClientsWebSocketPing(received) {
        (owedBefore, pingIn) = (owedUntil, UInt8(received))
        fields.insert(.hasPinged)
        if seenPing == pingIn { return }
      } else {
        fields.remove(.isFresh)
      }
      heardAt = look.heardAt
      owedUntil = ConnectionRecord.always
      return
    }
    // A request, of which the server has acknowledged a part. One that answers each request sends a segment for each.
    let isAcknowledged = isControlOut && (isHTTP2 || newSegmentsIn >= 2 && look.segmentsOut &- segmentsOut == 1)
    if isAcknowledged, !port.isTLS { fields.insert(.isHTTP2) }
    if isAcknowledged || isPingBesideMessage(received, sent, look, port) || isInterim(received, sent, port) {
      heardAt = look.heardAt
      owedUntil = ConnectionRecord.always
      fields.remove(.isFresh)
    } else {
      // A pong that came after an answer; the next ping decides.
      let mayBePong = ControlFrames.isClientsWebSocketPing(received) && sent > received
      let isPong = mayBePong && received == UInt32(seenPing)
      settle(isHTTP2 && isControlIn || isPong ? ConnectionRecord.never : byAges, look)
      fields.remove(.isFresh)
      if mayBePong {
        fields.insert(.mayBePing)
        owedBefore = ConnectionRecord.never
      } else if ControlFrames.isServersWebSocketPing(sent) {
        // A ping of the server, whose pong comes later, and no answer.
        (owedBefore, pingOut) = (ConnectionRecord.always, UInt8(sent))
      }
    }
  }

  /// Only the command spoke.
  private mutating func said(_ sent: UInt32, isControl: Bool, _ look: Look, _ port: PortTraits) {
    if ControlFrames.isPing(sent) || ControlFrames.isServersWebSocketPing(sent) {
      (owedBefore, pingOut) = (owedUntil, UInt8(sent))
    }
    if owedUntil == ConnectionRecord.always, isPingBesideMessage(0, sent, look, port) {
      pingOut = 0  // a pong: nothing follows it
      return
    }
    if isControl || isKnownPing(sent) || fields.contains(.mayOweFirst) && ControlFrames.isHTTP2(sent) {
      fields.insert(.hasPinged)
      return
    }
    saidAt = look.saidAt
    owedUntil = ConnectionRecord.never
    fields.remove(.isFresh)
    segmentsSinceLarge = sent >= ConnectionRecord.largeAnswer ? 1 : 0
  }

  /// A ping of the server, or its answer to one, of the size that this connection has had before.
  private func isKnownPing(_ sent: UInt32) -> Bool {
    seenPing > 0 && sent + (ControlFrames.isPing(UInt32(seenPing)) ? 0 : ControlFrames.mask) == UInt32(seenPing)
  }

  /// Whether the client sent a message, and the server no more than a ping or a pong since, or one of each. The message may
  /// have come before the ping, so that the ages say nothing.
  private func isPingBesideMessage(_ received: UInt32, _ sent: UInt32, _ look: Look, _ port: PortTraits) -> Bool {
    let received = received + UInt32(unansweredBytes)
    if isKnownPing(sent) { return received >= UInt32(seenPing) + ControlFrames.smallestMessage }
    // Each frame has a segment of its own. Two pipelined requests with one answer of this size look the same.
    guard port.mayBeWebSocket, !fields.contains(.isHTTP2), look.saidAt - look.heardAt <= ConnectionRecord.longestPong,
      let pings = ControlFrames.serversWebSocketPings(sent)
    else { return false }
    let newSegmentsIn = UInt32(look.segmentsIn &- segmentsIn) + UInt32(unansweredSegments)
    return received >= sent + pings * ControlFrames.mask + ControlFrames.smallestMessage
      && newSegmentsIn > pings && UInt32(look.segmentsOut &- segmentsOut) <= pings
  }

  private func isInterim(_ received: UInt32, _ sent: UInt32, _ port: PortTraits) -> Bool {
    received >= ControlFrames.shortestExpect
      && (sent == ControlFrames.interim || sent == ControlFrames.interimInTLS && port.isTLS)
  }

  private mutating func settle(_ until: Int32, _ look: Look) {
    (heardAt, saidAt, owedUntil) = (look.heardAt, look.saidAt, until)
  }

  /// Whether this completes a ping and its answer, in one look or two: then nothing has changed.
  private mutating func isPing(_ received: UInt32, _ sent: UInt32) -> Bool {
    let (pendingIn, pendingOut) = (UInt32(pingIn), UInt32(pingOut))
    (pingIn, pingOut) = (0, 0)
    var ping = ControlFrames.ping(received + pendingIn, sent + pendingOut)
    let wasHeld = ping != nil && (pendingIn > 0 && received == 0 || pendingOut > 0 && sent == 0)
    if ping == nil {
      ping = ControlFrames.ping(received, sent)
      // What came before was a message of the same size.
      if ping != nil, ControlFrames.isClientsWebSocketPing(pendingIn) { owedUntil = ConnectionRecord.always }
    }
    guard let ping else {
      // A PING with a WINDOW_UPDATE. Small requests and answers may have these sizes: they leave what is owed so, and of
      // what is answered a later PING decides.
      fields.remove(.mayBePing)
      switch (received, sent) {
      case (30, 17), (47, 34), (17, 30), (34, 47): break
      default: return false
      }
      fields.insert(.mayBePing)
      owedBefore = owedUntil
      guard owedUntil == ConnectionRecord.always || fields.contains(.mayOweFirst) else { return false }
      fields.insert(.hasPinged)
      return true
    }
    if wasHeld || fields.contains(.mayBePing) { owedUntil = owedBefore }
    fields.remove(.mayBePing)
    fields.insert(.hasPinged)
    if ControlFrames.isPing(ping) { fields.insert(.isHTTP2) }
    seenPing = UInt8(ping)
    return true
  }

  /// What this look says of the first exchange, and of the port.
  private mutating func conclude(_ look: Look, _ port: inout PortTraits) {
    let sinceHeard = look.now - look.heardAt
    let sinceSaid = look.now - look.saidAt
    if look.segmentsIn == 1, look.bytesOut > 0, look.bytesIn > 0, !look.isOwed, min(sinceHeard, sinceSaid) >= 1000 {
      port.beginsWithRequest = true
    }
    let isFresh = fields.contains(.isFresh) && bornAt != ConnectionRecord.never && look.bytesOut > 0
    if isFresh, fields.contains(.hasPinged), fields.contains(.mayOweInTLS) ? port.mayBeTLS : port.mayOweFirst { return }
    fields.remove(.mayOweFirst)
    if isFresh, look.segmentsOut == 1, isInterim(look.bytesIn, look.bytesOut, port) { fields.insert(.mayOweFirst) }
    guard isFresh, port.mayOweFirst, !fields.contains(.hasPinged) else { return }
    guard look.segmentsIn >= 2 else { return }
    // A ClientHello and a Finished on one side, a certificate on the other. Of a connection that was there before it may be
    // a few requests as well.
    let beganInTLS = look.bytesIn >= 250 && look.bytesOut >= 200 && (fields.contains(.isNew) || port.isTLS)
    if beganInTLS, look.bytesOut >= 1000 { port.beganWithTLS = true }
    // An answer that took this long is no ticket and no SETTINGS.
    guard look.saidAt - look.heardAt <= ConnectionRecord.longestTicket else { return }
    let mayBeInTLS = beganInTLS && port.mayBeTLS
    if mayBeInTLS { fields.insert(.mayOweInTLS) }
    if mayBeInTLS ? mayOweInTLS(look, &port) : mayOweInPlainText(look, port) { fields.insert(.mayOweFirst) }
  }

  /// The SETTINGS of HTTP/2, or the upgrade to WebSocket, in the tick of the request.
  private func mayOweInPlainText(_ look: Look, _ port: PortTraits) -> Bool {
    // An acknowledgement of its own, after the last byte, would be that of an answer.
    let hasSpokenLast =
      look.segmentsOut < look.segmentsIn && look.acknowledgedAt - look.heardAt <= ConnectionRecord.tick
    if port.given == .ws { return hasSpokenLast }
    return look.bytesOut <= ConnectionRecord.longestSettings
      && (port.isHTTP2 || port.given == nil && hasSpokenLast && !fields.contains(.answersLate))
  }

  /// Tickets or an answer: both follow the request, and only two cases are certain.
  private func mayOweInTLS(_ look: Look, _ port: inout PortTraits) -> Bool {
    let untilAcknowledged = look.acknowledgedAt - look.saidAt
    // Nothing but the handshake went out; the request acknowledged that.
    if look.segmentsOut == 1 { return look.acknowledgedAt - look.heardAt <= ConnectionRecord.tick }
    // TLS 1.2 has three segments from each side, the last of which stands alone, and so is acknowledged late. Two tickets
    // of TLS 1.3 are acknowledged at once, most of the time: where the port has shown that, it proves nothing.
    guard look.segmentsOut == 3, look.bytesOut <= look.largestSegment else { return true }
    if look.segmentsIn == 2 || 0...ConnectionRecord.tick ~= untilAcknowledged && look.now - look.saidAt >= 100 {
      port.hasTwoTickets = true
    }
    return port.hasTwoTickets || look.segmentsIn != 3 || look.saidAt - look.heardAt > 2 * ConnectionRecord.tick
      || untilAcknowledged < ConnectionRecord.delayedAcknowledgement
  }
}
