import HTTP
import Primitives

/// The response of the health endpoint for one path.
package struct HealthResponse: Sendable {
  let status: HTTPStatus
  let type: String
  let body: [UInt8]

  /// `/readyz`: the status says whether the command may receive traffic, the body why not.
  package static func readiness(_ isReady: Bool, _ phase: Phase) -> HealthResponse {
    HealthResponse(
      status: isReady ? .ok : .unavailable, type: plainText, body: Array((isReady ? "ok" : phase.name).utf8))
  }

  /// `/livez`: a supervisor that responds is alive. A stop is not a reason to restart a container.
  package static var liveness: HealthResponse { HealthResponse(status: .ok, type: plainText, body: Array("ok".utf8)) }

  /// `/status`.
  package static func json(_ body: [UInt8]) -> HealthResponse {
    HealthResponse(status: .ok, type: "application/json", body: body)
  }

  /// `/metrics`, in the text format of Prometheus.
  package static func metrics(_ body: [UInt8]) -> HealthResponse {
    HealthResponse(status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", body: body)
  }

  private static let plainText = "text/plain; charset=utf-8"

  fileprivate static func refusal(_ status: HTTPStatus) -> HealthResponse {
    HealthResponse(status: status, type: plainText, body: Array(status.phrase.utf8))
  }

  fileprivate func bytes(sendsBody: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append("HTTP/1.1 \(status.rawValue) \(status.phrase)\r\nContent-Type: \(type)\r\n")
    bytes.append("Content-Length: \(body.count)\r\nCache-Control: no-store\r\n")
    if status == .methodNotAllowed { bytes.append("Allow: GET, HEAD\r\n") }
    bytes.append("Connection: close\r\n\r\n")
    return sendsBody ? bytes + body : bytes
  }
}

extension HealthRequest {
  /// Encodes the whole response. Each one closes its connection, so no client can hold one longer than a request takes. A
  /// client that sends one request in some seconds gains nothing from keep-alive.
  package func response(_ content: (HealthPath) -> HealthResponse) -> [UInt8] {
    switch self {
    case .incomplete: []
    case .get(let path, let sendsBody): content(path).bytes(sendsBody: sendsBody)
    case .refused(let status): HealthResponse.refusal(status).bytes(sendsBody: true)
    }
  }
}
