import Primitives

extension SmokeReport {
  /// One object on one line; keys may be added but not renamed.
  var json: [UInt8] {
    var bytes: [UInt8] = []
    var separator = "{\"passed\":\(passed ? "true" : "false"),\"checks\":["
    for check in checks {
      bytes.append("\(separator){\"name\":\"\(check.name)\",\"result\":\"\(check.result.name)\",\"detail\":")
      bytes.appendQuoted(check.detail)
      separator = "},"
    }
    separator = "}],\"requests\":{\"total\":\(observations.total),\"failed\":\(observations.failed),\"failures\":["
    for failure in observations.judgedFailures.prefix(SmokeReport.listedFailures) {
      let time = utcTimestamp(unixMilliseconds: failure.time)
      bytes.append(
        "\(separator){\"time\":\"\(time)\",\"after_stop_ms\":\(number(observations.afterStop(failure)?.milliseconds)),\"reason\":"
      )
      bytes.appendQuoted(failure.reason)
      bytes.append("}")
      separator = ","
    }
    if observations.judgedFailures.isEmpty { bytes.append(separator) }
    let code = number(observations.end?.status.code)
    bytes.append("]},\"exit\":{\"code\":\(code),\"after_ms\":\(number(observations.stopTime?.milliseconds))}}\n")
    return bytes
  }

  func number(_ number: Int?) -> String { number.map { "\($0)" } ?? "null" }
}
