// The report of a smoke run, in each form that `--output` knows.

/// What a smoke run has come to.
package struct SmokeReport {
  /// Always all of them.
  let checks: [SmokeCheck]
  private let facts: SmokeFacts

  /// Judges what was seen.
  package init(_ facts: SmokeFacts) {
    self.facts = facts
    checks = smokeChecks(facts)
  }

  /// No check failed.
  package var passed: Bool { count(.fail) == 0 }

  @inline(never)
  private func count(_ result: SmokeCheck.Result) -> Int { checks.reduce(0) { $1.result == result ? $0 + 1 : $0 } }

  /// The bytes to write, ended by a newline.
  package func bytes(_ format: SmokeFormat) -> [UInt8] {
    let text: String
    switch format {
    case .json: return json
    case .text: text = self.text
    case .tap: text = tap
    case .junit: text = junit
    }
    return Array(text.utf8)
  }

  /// How many failures are shown to a person.
  private static let shownFailures = 20
  /// And to a program.
  private static let listedFailures = 1000
}

// MARK: - Text

extension SmokeReport {
  private var text: String {
    let width = checks.reduce(0) { max($0, $1.name.utf8.count) } + 2
    var text = ""
    for check in checks {
      let result = check.result == .fail ? "FAIL" : check.result.name
      text += "\(result)  \(check.name.padded(to: width))\(check.detail)\n"
    }
    if facts.failed > 0 { text += "\nfailed requests, UTC:\n" + lines(facts.judgedFailures, facts.failed, prefix: "") }
    let verdict = passed ? "passed" : "FAILED"
    return "\(text)\n\(verdict): \(count(.pass)) checks passed, \(count(.fail)) failed, \(count(.skip)) skipped\n"
  }

  private func lines(_ failures: [SmokeFailure], _ count: Int, prefix: String) -> String {
    var lines = ""
    for failure in failures.prefix(SmokeReport.shownFailures) { lines += prefix + failure.line + "\n" }
    let more = count - min(count, SmokeReport.shownFailures)
    if more > 0 { lines += "\(prefix)and \(more) more\n" }
    return lines
  }
}

// MARK: - JSON

extension SmokeReport {
  /// One object on one line; keys may be added, and none renamed.
  private var json: [UInt8] {
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

  private func number(_ number: Int?) -> String { number.map { "\($0)" } ?? "null" }
}

// MARK: - TAP

extension SmokeReport {
  /// Test Anything Protocol 13, testanything.org.
  private var tap: String {
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

// MARK: - JUnit

extension SmokeReport {
  /// What CI systems read: one suite, one case for each check.
  private var junit: String {
    let time = facts.end.map { ($0.at - facts.startedAt).milliseconds } ?? 0
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites>
      <testsuite name="ebb smoke" tests="\(checks.count)" failures="\(count(.fail))" errors="0" \
      skipped="\(count(.skip))" time="\(time / 1000).\(digits(time % 1000, 3))">

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

// MARK: - Escapes

extension String {
  /// For XML, where it may be content or an attribute's value: what XML 1.0 does not allow at all (section 2.2) becomes a
  /// question mark, control characters and the two scalars that are none (U+FFFE, U+FFFF: EF BF BE, EF BF BF). For TAP,
  /// where a number sign would begin a directive.
  fileprivate func escaped(forXML: Bool) -> String {
    var bytes: [UInt8] = []
    for byte in utf8 {
      switch (byte, forXML) {
      case (UInt8(ascii: "#"), false), (UInt8(ascii: "\\"), false): bytes += [UInt8(ascii: "\\"), byte]
      case (UInt8(ascii: "&"), true): bytes.append("&amp;")
      case (UInt8(ascii: "<"), true): bytes.append("&lt;")
      case (UInt8(ascii: ">"), true): bytes.append("&gt;")
      case (UInt8(ascii: "\""), true): bytes.append("&quot;")
      case (0..<0x0A, true), (0x0B..<0x20, true), (0x7F, true): bytes.append(UInt8(ascii: "?"))
      case (0xBE...0xBF, true) where bytes.suffix(2).elementsEqual([0xEF, 0xBF]):
        bytes.removeLast(2)
        bytes.append(UInt8(ascii: "?"))
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
