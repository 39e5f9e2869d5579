import Primitives

/// The traffic since the stop signal, for the final report and `ebb status`. A property is `nil` if it is unknown, or not
/// known yet.
package struct TrafficReport: Equatable, Sendable {
  /// Connections with a request in flight in the first sample.
  package var inFlightAtStop: Int?
  /// Connections with a request in flight when the stop signal was forwarded.
  package var inFlightAtForward: Int?
  /// Connections that have come since the stop signal.
  package var newConnections: Int?
  /// Time from the stop signal to the last new connection.
  package var lastConnection: TimeAmount?
  /// Time from the stop signal to the last inbound byte or connection.
  package var lastRequest: TimeAmount?
  /// Whether a sample failed.
  package var hasGaps = false
  /// Whether connections came without a pause until the stop signal was forwarded. `nil` until then.
  package var wasSteady: Bool?
  /// The reason for the end of the drain. `nil` until then.
  package var drainEndedBy: DrainEndReason?

  package init() {}

  /// Advice to use another delay, if this one was too short for the routing or much longer than needed.
  func advice(delay: TimeAmount) -> String? {
    guard let last = lastConnection else { return nil }
    // 30 % more, in whole seconds, because the next rollout will differ a little.
    let better = TimeAmount.seconds(max(1, (last.milliseconds * 13 / 10 + 999) / 1000))
    if last.milliseconds * 10 > delay.milliseconds * 8 {
      // While connections still come, no delay is known to be long enough.
      guard let wasSteady else { return nil }
      if wasSteady { return TrafficReport.steadyAdvice }
      return
        "the last connection arrived at +\(last.approximate), the delay is \(delay.description): use --delay \(better.description)"
    }
    let latest = max(last, lastRequest ?? last)
    if delay >= TrafficReport.longDelay, latest.milliseconds * 4 < delay.milliseconds, !hasGaps {
      return
        "the last connection arrived at +\(last.approximate), the delay is \(delay.description): --delay \(better.description) is enough"
    }
    return nil
  }

  /// Advice on the delay, after that for a known server if requests were in flight at the stop signal.
  func advice(delay: TimeAmount, _ serverAdvice: String?) -> String? {
    let delayAdvice = advice(delay: delay)
    guard inFlightAtForward ?? 0 > 0, let serverAdvice else { return delayAdvice }
    return serverAdvice + (delayAdvice.map { "; " + $0 } ?? "")
  }

  private static let steadyAdvice =
    "connections arrived without a pause until the stop signal was forwarded: routing takes longer than that, or a steady "
    + "client or a probe asks the app's port, which no delay outlasts; put probes on --health, or use ebb probe"
  private static let longDelay = TimeAmount.seconds(4)

  /// Fields of the report and the status. `later` has the requests in flight at later moments.
  func fields(delay: TimeAmount, serverAdvice: String? = nil, later: [LogRecord.Field] = []) -> [(String, FieldValue)] {
    let inFlight: [LogRecord.Field] = [
      .init("at_stop", .count(inFlightAtStop)), .init("at_forward", .count(inFlightAtForward)),
    ]
    return [
      ("in_flight", .object(inFlight + later)), ("connections_after_stop", .count(newConnections)),
      ("last_connection_ms", .span(lastConnection)), ("last_request_ms", .span(lastRequest)),
      ("advice", advice(delay: delay, serverAdvice).map { .text($0) } ?? .null),
    ]
  }
}
