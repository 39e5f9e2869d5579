import Primitives

extension SmokeReport {
  /// Test Anything Protocol 13, testanything.org.
  var tap: String {
    var text = "TAP version 13\n1..\(checks.count)\n"
    for (index, check) in checks.enumerated() {
      let head = "\(check.result == .fail ? "not ok" : "ok") \(index + 1) - \(check.name)"
      switch check.result {
      case .skip: text += "\(head) # SKIP \(check.detail.escaped(forXML: false))\n"
      case .pass: text += "\(head): \(check.detail.escaped(forXML: false))\n"
      case .fail:
        text += "\(head): \(check.detail.escaped(forXML: false))\n"
        text += lines(check.failures, check.failures.count, prefix: "# ")
      }
    }
    return text
  }
}
