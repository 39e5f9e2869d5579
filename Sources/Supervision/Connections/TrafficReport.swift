import Primitives

/// What the final report and `ebb status` say of the traffic since the stop signal. Nil: not known, or not yet.
package struct TrafficReport: Equatable, Sendable {
  /// Connections with a request in flight when ebb first looked.
  package var inFlightAtStop: Int?
  /// The same when the command was told to stop.
  package var inFlightAtForward: Int?
  /// Connections that have come since.
  package var newConnections: Int?
  /// How long after the stop signal the last of these came.
  package var lastConnection: TimeAmount?
  /// The same of the last inbound byte or connection.
  package var lastRequest: TimeAmount?
  /// At some moment nobody could count.
  package var hasGaps = false
  /// Connections came without a pause until the stop signal was forwarded; nil: it has not been.
  package var wasSteady: Bool?
  /// Not yet: nil.
  package var drainEndedBy: DrainEndReason?

  package init() {}

  /// The delay to use in place of one that was too short for the routing, or much longer than it needed.
  func advice(delay: TimeAmount) -> String? {
    guard let last = lastConnection else { return nil }
    // A third more, in whole seconds: the next rollout will not be timed to the millisecond.
    let better = TimeAmount.seconds(max(1, (last.milliseconds * 13 / 10 + 999) / 1000))
    if last.milliseconds * 10 > delay.milliseconds * 8 {
      // While connections still come, no delay can be said to be long enough: of each one they would say the same.
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

  /// The same with the advice for a known server, if the stop signal met requests in flight.
  func advice(delay: TimeAmount, _ serverAdvice: String?) -> String? {
    let delayAdvice = advice(delay: delay)
    guard inFlightAtForward ?? 0 > 0, let serverAdvice else { return delayAdvice }
    return serverAdvice + (delayAdvice.map { "; " + $0 } ?? "")
  }

  private static let steadyAdvice =
    "connections arrived without a pause until the stop signal was forwarded: routing takes longer than that, or a steady "
    + "client or a probe asks the app's port, which no delay outlasts; put probes on --health, or use ebb probe"
  private static let longDelay = TimeAmount.seconds(4)

  /// For the report and the status. `later`: requests in flight at some later moments.
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
