import Primitives

extension SmokeReport {
  /// JUnit XML, the format that CI systems read: one suite with a case for each check.
  var junit: String {
    let time = observations.end.map { ($0.at - observations.startedAt).milliseconds } ?? 0
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites>
      <testsuite name="ebb smoke" tests="\(checks.count)" failures="\(count(.fail))" errors="0" \
      skipped="\(count(.skip))" time="\(time / 1000).\(zeroPadded(time % 1000, 3))">

      """
    for check in checks {
      text += "<testcase classname=\"ebb.smoke\" name=\"\(check.name)\" time=\"0\">"
      let detail = check.detail.escaped(forXML: true)
      switch check.result {
      case .pass: text += "<system-out>\(detail)</system-out>"
      case .skip: text += "<skipped message=\"\(detail)\"/>"
      case .fail:
        text += "<failure message=\"\(detail)\">"
        text += lines(check.failures, check.failures.count, prefix: "").escaped(forXML: true) + "</failure>"
      }
      text += "</testcase>\n"
    }
    return text + "</testsuite>\n</testsuites>\n"
  }
}
