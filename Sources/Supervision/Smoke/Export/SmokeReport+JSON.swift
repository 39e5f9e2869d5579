extension SmokeReport {
  /// One object on one line; keys may be added, and none renamed.
  var json: [UInt8] {
    var bytes: [UInt8] = []
    var separator = "{\"passed\":\(passed ? "true" : "false"),\"checks\":["
    for check in checks {
      bytes.append("\(separator){\"name\":\"\(check.name)\",\"result\":\"\(check.result.name)\",\"detail\":")
      bytes.appendQuoted(check.detail)
      separator = "},"
    }
    separator = "}],\"requests\":{\"total\":\(facts.total),\"failed\":\(facts.failed),\"failures\":["
    for failure in facts.judgedFailures.prefix(SmokeReport.listedFailures) {
      let time = utcTime(unixMilliseconds: failure.time)
      bytes.append(
        "\(separator){\"time\":\"\(time)\",\"after_stop_ms\":\(number(facts.afterStop(failure)?.milliseconds)),\"reason\":"
      )
      bytes.appendQuoted(failure.reason)
      bytes.append("}")
      separator = ","
    }
    if facts.judgedFailures.isEmpty { bytes.append(separator) }
    let code = number(facts.end?.status.code)
    bytes.append("]},\"exit\":{\"code\":\(code),\"after_ms\":\(number(facts.stopTime?.milliseconds))}}\n")
    return bytes
  }

  func number(_ number: Int?) -> String { number.map { "\($0)" } ?? "null" }
}
