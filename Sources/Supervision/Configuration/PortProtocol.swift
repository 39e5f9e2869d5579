/// What a port speaks, as `--ports PORT=PROTOCOL` gives it. It tells which bytes may be no request and no answer.
package enum PortProtocol: UInt8, Sendable, CaseIterable {
  /// HTTP/1.1 in plain text.
  case http
  /// HTTP/1.1 or HTTP/2 over TLS, as the client and the server agree (ALPN).
  case https
  /// HTTP/2 in plain text.
  case h2c
  /// HTTP/2 in plain text too.
  case grpc
  /// WebSocket in plain text.
  case ws
  /// Any other: only who spoke last decides.
  case tcp

  /// The word in the list.
  package var name: String {
    switch self {
    case .http: "http"
    case .https: "https"
    case .h2c: "h2c"
    case .grpc: "grpc"
    case .ws: "ws"
    case .tcp: "tcp"
    }
  }
}

/// One of the command's ports, as `--ports` gives it.
package struct Port: Equatable, Sendable, ExpressibleByIntegerLiteral {
  /// In host byte order.
  package var number: UInt16
  /// Nil: to be found out, as far as the numbers of the kernel tell.
  package var speaks: PortProtocol?

  package init(_ number: UInt16, speaks: PortProtocol? = nil) {
    (self.number, self.speaks) = (number, speaks)
  }

  /// Its number.
  package init(integerLiteral number: UInt16) { self.init(number) }
}

/// What is known of the protocol of a port: what the user gave, or what its connections gave away. All connections of a
/// port speak the same one.
struct PortTraits: Sendable {
  let port: UInt16
  let given: PortProtocol?
  /// Some connection began as a TLS handshake does.
  var beganWithTLS = false
  /// Some exchange was smaller than the overhead of a TLS record.
  var isPlain = false
  /// Some connection rested after one segment from each side: a request and its answer, as neither TLS nor HTTP/2 begins.
  var beginsWithRequest = false
  /// Some connection has sent two session tickets in a segment each.
  var hasTwoTickets = false

  init(port: UInt16, given: PortProtocol?) {
    (self.port, self.given) = (port, given)
  }

  var isTLS: Bool { given == .https || beganWithTLS && mayBeTLS }
  var mayBeTLS: Bool { given.map { $0 == .https } ?? !(isPlain || beginsWithRequest) }
  var isHTTP2: Bool { given == .h2c || given == .grpc }
  /// What the server says first may be no answer.
  var mayOweFirst: Bool { given.map { $0 != .http } ?? !beginsWithRequest }
}
