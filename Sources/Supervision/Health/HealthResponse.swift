import HTTP
import Primitives

/// What stands at one path of the health endpoint.
package struct HealthResponse: Sendable {
  let status: HTTPStatus
  let type: String
  let body: [UInt8]

  /// `/readyz`: by the status whether traffic may come, by the body why not.
  package static func readiness(_ isReady: Bool, _ phase: Phase) -> HealthResponse {
    HealthResponse(
      status: isReady ? .ok : .unavailable, type: plainText, body: Array((isReady ? "ok" : phase.name).utf8))
  }

  /// `/livez`: who answers is alive, until it exits. A stop is no reason to restart a container.
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
}

/// The whole answer to a request. Each ends its connection: who asks once in some seconds gains nothing from keeping
/// one, and nobody can hold one for longer than a request takes.
package func healthAnswer(_ request: HealthRequest, _ content: (HealthPath) -> HealthResponse) -> [UInt8] {
  switch request {
  case .incomplete: []
  case .get(let path, let sendsBody): answer(content(path), sendsBody: sendsBody)
  case .refused(let status): answer(.refusal(status), sendsBody: true)
  }
}

private func answer(_ content: HealthResponse, sendsBody: Bool) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.append("HTTP/1.1 \(content.status.rawValue) \(content.status.phrase)\r\nContent-Type: \(content.type)\r\n")
  bytes.append("Content-Length: \(content.body.count)\r\nCache-Control: no-store\r\n")
  if content.status == .methodNotAllowed { bytes.append("Allow: GET, HEAD\r\n") }
  bytes.append("Connection: close\r\n\r\n")
  if sendsBody { bytes.append(contentsOf: content.body) }
  return bytes
}
