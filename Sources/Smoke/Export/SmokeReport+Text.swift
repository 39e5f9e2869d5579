import Primitives

extension SmokeReport {
  var text: String {
    let width = checks.reduce(0) { max($0, $1.name.utf8.count) } + 2
    var text = ""
    for check in checks {
      let result = check.result == .fail ? "FAIL" : check.result.name
      text += "\(result)  \(check.name.padded(to: width))\(check.detail)\n"
    }
    if observations.failed > 0 {
      text += "\nfailed requests, UTC:\n" + lines(observations.judgedFailures, observations.failed, prefix: "")
    }
    let verdict = passed ? "passed" : "FAILED"
    return "\(text)\n\(verdict): \(count(.pass)) checks passed, \(count(.fail)) failed, \(count(.skip)) skipped\n"
  }

  func lines(_ failures: [SmokeFailure], _ count: Int, prefix: String) -> String {
    var lines = ""
    for failure in failures.prefix(SmokeReport.shownFailures) { lines += prefix + failure.line + "\n" }
    let more = count - min(count, SmokeReport.shownFailures)
    if more > 0 { lines += "\(prefix)and \(more) more\n" }
    return lines
  }
}
