import Primitives
import Supervision

extension SmokeReport {
  /// One object on one line; keys may be added but not renamed.
  var json: [UInt8] {
    let failures: [FieldValue] = observations.judgedFailures.prefix(SmokeReport.listedFailures).map {
      .object([
        .init("time", .text(utcTimestamp(unixMilliseconds: $0.time))),
        .init("after_stop_ms", .span(observations.afterStop($0))), .init("reason", .text($0.reason)),
      ])
    }
    let requests: [LogRecord.Field] = [
      .init("total", .number(observations.total)), .init("failed", .number(observations.failed)),
      .init("failures", .list(failures)),
    ]
    let exit: [LogRecord.Field] = [
      .init("code", .count(observations.end?.status.code)), .init("after_ms", .span(observations.stopTime)),
    ]
    return [UInt8](jsonLine: [
      .init("passed", .flag(passed)), .init("checks", .list(checks.map { .object($0.fields) })),
      .init("requests", .object(requests)), .init("exit", .object(exit)),
    ])
  }
}

extension SmokeCheck {
  fileprivate var fields: [LogRecord.Field] {
    [.init("name", .text(name)), .init("result", .text(result.name)), .init("detail", .text(detail))]
  }
}
