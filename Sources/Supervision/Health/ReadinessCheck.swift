import HTTP
import Primitives

/// A readiness check: `--ready-tcp` or `--ready-http`.
package enum ReadinessCheck: Sendable {
  /// A TCP connection to this port of a loopback address succeeds.
  case tcp(port: UInt16)
  /// A GET request returns 2xx or 3xx.
  case http(HTTPURL)

  /// The addresses to try; one success is enough. A server may listen on either loopback address.
  package var addresses: [SocketAddress] {
    switch self {
    case .tcp(let port): [SocketAddress(.loopback6, port: port), SocketAddress(.loopback4, port: port)]
    case .http(let url): url.addresses
    }
  }
}
