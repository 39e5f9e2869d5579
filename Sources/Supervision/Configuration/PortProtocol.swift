/// The protocol of a port, from `--ports PORT=PROTOCOL`. It determines which bytes may be no request or response.
package enum PortProtocol: UInt8, Sendable, CaseIterable {
  /// HTTP/1.1 in plain text.
  case http
  /// HTTP/1.1 or HTTP/2 over TLS, negotiated by ALPN.
  case https
  /// HTTP/2 in plain text.
  case h2c
  /// gRPC, which is HTTP/2 in plain text.
  case grpc
  /// WebSocket in plain text.
  case ws
  /// Any other protocol: only the direction of the last byte counts.
  case tcp

  /// The name in `--ports`.
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

/// One of the command's ports, from `--ports`.
package struct Port: Equatable, Sendable, ExpressibleByIntegerLiteral {
  /// In host byte order.
  package var number: UInt16
  /// `nil` for a protocol that ebb infers from the kernel's counters, as far as possible.
  package var speaks: PortProtocol?

  package init(_ number: UInt16, speaks: PortProtocol? = nil) {
    (self.number, self.speaks) = (number, speaks)
  }

  package init(integerLiteral number: UInt16) { self.init(number) }
}

/// The protocol of a port, as the user set it or its connections show it. All connections to a port use the same one.
struct PortTraits: Sendable {
  let port: UInt16
  let given: PortProtocol?
  /// A connection began like a TLS handshake.
  var beganWithTLS = false
  /// An exchange was smaller than the overhead of a TLS record.
  var isPlain = false
  /// A connection rested after one segment from each side, a request and its response: neither TLS nor HTTP/2.
  var beginsWithRequest = false
  /// A connection sent two session tickets in separate segments.
  var hasTwoTickets = false

  init(port: UInt16, given: PortProtocol?) {
    (self.port, self.given) = (port, given)
  }

  var isTLS: Bool { given == .https || beganWithTLS && mayBeTLS }
  var mayBeTLS: Bool { given.map { $0 == .https } ?? !(isPlain || beginsWithRequest) }
  var isHTTP2: Bool { given == .h2c || given == .grpc }
  /// Whether small frames may be WebSocket pings.
  var mayBeWebSocket: Bool { given.map { $0 == .ws } ?? !isTLS }
  /// Whether the server's first bytes may be something other than a response.
  var mayOweFirst: Bool { given.map { $0 != .http } ?? !beginsWithRequest }
}
