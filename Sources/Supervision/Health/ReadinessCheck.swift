import HTTP
import Primitives

/// How to find out whether the command is ready: `--ready-tcp`, `--ready-http`.
package enum ReadinessCheck: Sendable {
  /// Something listens on this port of the loopback addresses.
  case tcp(port: UInt16)
  /// A GET is answered with 2xx or 3xx.
  case http(HTTPURL)

  /// One of them has to answer. Which one a server listens on is its own choice, so both loopback addresses are asked.
  package var addresses: [SocketAddress] {
    switch self {
    case .tcp(let port): [SocketAddress(.loopback6, port: port), SocketAddress(.loopback4, port: port)]
    case .http(let url): url.addresses
    }
  }
}
